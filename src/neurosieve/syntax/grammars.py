"""What the corpora need to know of each language's grammar: one tree-sitter query a language, and little else.

The captures of a query, on the tree of one function:

    @own        the function's own name, first; names of functions inside it
    @name       every identifier that could name a variable
    @bind       where a parameter or local gets its name
    @write      where a variable is assigned: neither a binding nor a use
    @elsewhere  identifiers of another name space: attributes, labels, keywords of a call
    @keyword    the same, in calls with named arguments
    @fixed      identifiers whose name must stay, as it is also seen where no edit reaches
    @opaque     text whose names all stay: nested classes, macros, preprocessor lines
    @scope      where a name bound inside is visible
    @operation  binary operations: left, operator, right
    @branch     if statements
    @update     assignments that may have the form x += 1 or x = x + 1
    @comment, @docstring

A place that no query knows keeps its name; so what is missing here makes a copy less different, never wrong.
"""

from dataclasses import dataclass

_METHODS = ("class A {\n", "\n}")  # a method is inside a class


@dataclass(frozen=True)
class Grammar:
    """A language as the corpora see it.

    Attributes:
        functions: Node types of functions, with the text that must surround one that is parsed alone.
        query: See the module.
        negation: The prefix that negates a condition.
        block_scoped: A name is visible in its block, not in the entire function.
        around: Node types that a function may be wrapped in, between it and the comment that documents it.
    """

    functions: dict[str, tuple[str, str]]
    query: str
    negation: str = "!"
    block_scoped: bool = True
    around: tuple[str, ...] = ()


_PYTHON = """
(function_definition name: (identifier) @own)
(identifier) @name
(parameters (identifier) @bind)
(default_parameter name: (identifier) @bind)
(typed_parameter . (identifier) @bind)
(typed_default_parameter name: (identifier) @bind)
[(list_splat_pattern (identifier) @bind) (dictionary_splat_pattern (identifier) @bind)]
[(pattern_list (identifier) @bind) (tuple_pattern (identifier) @bind) (list_pattern (identifier) @bind)]
[(assignment left: (identifier) @bind) (augmented_assignment left: (identifier) @bind)]
(for_statement left: (identifier) @bind)
(named_expression name: (identifier) @bind)
(as_pattern_target (identifier) @bind)
(attribute attribute: (identifier) @elsewhere)
(keyword_argument name: (identifier) @keyword)
[(global_statement (identifier) @fixed) (nonlocal_statement (identifier) @fixed)]
[(dotted_name (identifier) @fixed) (aliased_import alias: (identifier) @fixed)]
[(keyword_pattern (identifier) @fixed) (splat_pattern (identifier) @fixed)]
(interpolation (identifier) @fixed . "=")
(class_definition) @opaque
[(function_definition) (lambda)] @scope
[(list_comprehension) (set_comprehension) (dictionary_comprehension) (generator_expression)] @scope
[(binary_operator) (comparison_operator) (boolean_operator)] @operation
(if_statement) @branch
[(augmented_assignment) (assignment)] @update
(comment) @comment
(function_definition body: (block . (expression_statement . (string) .) @docstring))
"""

_JAVA = """
[(method_declaration name: (identifier) @own) (constructor_declaration name: (identifier) @own)]
(identifier) @name
[(formal_parameter name: (identifier) @bind) (catch_formal_parameter name: (identifier) @bind)]
(spread_parameter (variable_declarator name: (identifier) @bind))
[(inferred_parameters (identifier) @bind) (lambda_expression parameters: (identifier) @bind)]
(local_variable_declaration declarator: (variable_declarator name: (identifier) @bind))
[(enhanced_for_statement name: (identifier) @bind) (resource name: (identifier) @bind)]
(instanceof_expression name: (identifier) @bind)
(assignment_expression left: (identifier) @write)
[(field_access field: (identifier) @elsewhere) (method_invocation name: (identifier) @elsewhere)]
[(labeled_statement . (identifier) @elsewhere) (break_statement (identifier) @elsewhere)]
[(continue_statement (identifier) @elsewhere) (switch_label (identifier) @elsewhere)]
[(method_reference (identifier) @fixed) (scoped_identifier (identifier) @fixed)]
[(marker_annotation) (annotation) (class_body) (record_pattern)] @opaque
[(block) (for_statement) (enhanced_for_statement) (lambda_expression) (catch_clause)] @scope
[(try_with_resources_statement) (switch_block_statement_group)] @scope
(binary_expression) @operation
(if_statement) @branch
(assignment_expression) @update
[(line_comment) (block_comment)] @comment
"""

_C = """
(function_declarator declarator: (identifier) @own)
(identifier) @name
[(parameter_declaration declarator: (identifier) @bind) (declaration declarator: (identifier) @bind)]
[(pointer_declarator declarator: (identifier) @bind) (array_declarator declarator: (identifier) @bind)]
[(init_declarator declarator: (identifier) @bind)]
(assignment_expression left: (identifier) @write)
(declaration (storage_class_specifier "extern") declarator: (identifier) @fixed)
[(enumerator name: (identifier) @fixed) (type_identifier) @fixed]
[(preproc_def) (preproc_function_def) (preproc_call) (attribute_specifier) (gnu_asm_expression)] @opaque
[(preproc_ifdef name: (identifier) @fixed) (preproc_if condition: (_) @opaque)]
[(compound_statement) (for_statement)] @scope
(binary_expression) @operation
(if_statement) @branch
(assignment_expression) @update
(comment) @comment
"""

_CPP = (
    _C
    + """
(function_declarator declarator: (field_identifier) @own)
(function_declarator declarator: (qualified_identifier name: (identifier) @own))
[(optional_parameter_declaration declarator: (identifier) @bind) (reference_declarator (identifier) @bind)]
[(for_range_loop declarator: (identifier) @bind) (structured_binding_declarator (identifier) @bind)]
(variadic_declarator (identifier) @bind)
[(template_function name: (identifier) @fixed) (lambda_capture_initializer) @opaque]
(qualified_identifier name: (identifier) @elsewhere)
[(class_specifier) (struct_specifier) (union_specifier) (using_declaration) (attribute_declaration)] @opaque
[(for_range_loop) (if_statement) (while_statement) (lambda_expression) (catch_clause)] @scope
"""
)

_JAVASCRIPT = """
[(function_declaration name: (identifier) @own) (generator_function_declaration name: (identifier) @own)]
[(method_definition name: (property_identifier) @own) (function_expression name: (identifier) @fixed)]
(identifier) @name
[(formal_parameters (identifier) @bind) (arrow_function parameter: (identifier) @bind)]
[(assignment_pattern left: (identifier) @bind) (rest_pattern (identifier) @bind)]
[(array_pattern (identifier) @bind) (pair_pattern value: (identifier) @bind)]
[(variable_declarator name: (identifier) @bind) (catch_clause parameter: (identifier) @bind)]
(for_in_statement kind: _ left: (identifier) @bind)
[(assignment_expression left: (identifier) @write) (augmented_assignment_expression left: (identifier) @write)]
(assignment_expression left: (_ (identifier) @fixed))
[(shorthand_property_identifier) (shorthand_property_identifier_pattern)] @fixed
[(class_body) (jsx_element) (jsx_self_closing_element)] @opaque
[(statement_block) (for_statement) (for_in_statement) (catch_clause) (arrow_function)] @scope
[(function_expression) (function_declaration) (generator_function_declaration) (method_definition)] @scope
(binary_expression) @operation
(if_statement) @branch
[(assignment_expression) (augmented_assignment_expression)] @update
(comment) @comment
"""

_GO = """
[(function_declaration name: (identifier) @own) (method_declaration name: (field_identifier) @own)]
(identifier) @name
[(parameter_declaration name: (identifier) @bind) (variadic_parameter_declaration name: (identifier) @bind)]
(short_var_declaration left: (expression_list (identifier) @bind))
[(var_spec name: (identifier) @bind) (const_spec name: (identifier) @bind)]
(range_clause left: (expression_list (identifier) @bind) ":=")
(assignment_statement left: (expression_list (identifier) @write))
(keyed_element . (literal_element (identifier) @fixed))
(type_switch_statement alias: (expression_list (identifier) @fixed))
[(block) (if_statement) (for_statement) (func_literal) (expression_case) (default_case)] @scope
[(type_case) (communication_case) (expression_switch_statement)] @scope
(binary_expression) @operation
(if_statement) @branch
(assignment_statement) @update
(comment) @comment
"""

# An upper-case name in a pattern is a constant or a variant, no binding.
_RUST = """
(function_item name: (identifier) @own)
(identifier) @name
[(parameter pattern: (identifier) @bind) (closure_parameters (identifier) @bind)]
[(let_declaration pattern: (identifier) @bind) (for_expression pattern: (identifier) @bind)]
[(tuple_pattern (identifier) @bind) (mut_pattern (identifier) @bind) (ref_pattern (identifier) @bind)]
[(reference_pattern (identifier) @bind) (slice_pattern (identifier) @bind)]
((tuple_struct_pattern (identifier) @bind) (#match? @bind "^[a-z]"))
((match_pattern (identifier) @bind) (#match? @bind "^[a-z]"))
(captured_pattern . (identifier) @bind)
[(assignment_expression left: (identifier) @write) (compound_assignment_expr left: (identifier) @write)]
[(lifetime (identifier) @elsewhere) (label (identifier) @elsewhere)]
[(scoped_identifier (identifier) @elsewhere) (tuple_struct_pattern type: (identifier) @fixed)]
[(shorthand_field_identifier) @fixed (shorthand_field_initializer (identifier) @fixed)]
[(macro_invocation) (attribute_item) (macro_definition) (const_item) (static_item) (struct_item)] @opaque
[(impl_item) (trait_item) (use_declaration)] @opaque
[(block) (for_expression) (closure_expression) (match_arm) (if_expression) (while_expression)] @scope
[(function_item)] @scope
(binary_expression) @operation
(if_expression) @branch
[(assignment_expression) (compound_assignment_expr)] @update
[(line_comment) (block_comment)] @comment
"""

_ALONE = ("", "")
GRAMMARS: dict[str, Grammar] = {
    "python": Grammar({"function_definition": _ALONE}, _PYTHON, "not ", False, ("decorated_definition",)),
    "java": Grammar({"method_declaration": _METHODS, "constructor_declaration": _METHODS}, _JAVA),
    "c": Grammar({"function_definition": _ALONE}, _C),
    "cpp": Grammar({"function_definition": _ALONE}, _CPP, around=("template_declaration",)),
    "javascript": Grammar(
        {
            "function_declaration": _ALONE,
            "generator_function_declaration": _ALONE,
            "method_definition": _METHODS,
        },
        _JAVASCRIPT,
        around=("export_statement",),
    ),
    "go": Grammar({"function_declaration": _ALONE, "method_declaration": _ALONE}, _GO),
    "rust": Grammar({"function_item": _ALONE}, _RUST),
}
