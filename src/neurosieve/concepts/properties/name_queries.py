"""What names do in each language, in addition to what `syntax` captures (@own, @bind, @scope, @elsewhere).

@function    name of a function or method where it is defined
@class       name of a class, struct, enum, interface or alias where it is defined
@type        name of a type elsewhere
@field       name of an attribute where it is declared; seen by name alone in its scope
@attribute   name of an attribute elsewhere
@call        name of what is called
@parameter   a parameter that is in no list
@bind        as there: a local, or in a list of parameters one of them
@definition  defined here, whatever its role
@list        a list of parameters
@imports     an import, all of it
@scope       where a name bound inside is visible
"""

_C = """
[(struct_specifier name: (type_identifier) @class body: (_)) (union_specifier name: (type_identifier) @class body: (_))]
(enum_specifier name: (type_identifier) @class body: (_))
(type_definition declarator: (type_identifier) @class)
(type_identifier) @type
(call_expression function: (identifier) @call)
(call_expression function: (field_expression field: (field_identifier) @call))
(field_identifier) @attribute
[(field_declaration declarator: (field_identifier) @field) (pointer_declarator declarator: (field_identifier) @field)]
(array_declarator declarator: (field_identifier) @field)
[(enumerator name: (identifier) @definition) (preproc_def name: (identifier) @definition)]
(preproc_function_def name: (identifier) @function)
(preproc_params (identifier) @parameter)
(labeled_statement label: (_) @definition)
(parameter_list) @list
(field_declaration_list) @scope
"""

QUERIES: dict[str, str] = {
    "python": """
(class_definition name: (identifier) @class)
(type (identifier) @type)
[(for_in_clause left: (identifier) @bind) (case_pattern (dotted_name . (identifier) @bind .))]
(lambda_parameters (identifier) @bind)
[(parameters) (lambda_parameters)] @list
[(import_statement) (import_from_statement) (future_import_statement)] @imports
""",
    "java": """
[(class_declaration name: (identifier) @class) (interface_declaration name: (identifier) @class)]
[(enum_declaration name: (identifier) @class) (record_declaration name: (identifier) @class)]
(annotation_type_declaration name: (identifier) @class)
(compact_constructor_declaration name: (identifier) @function)
(type_identifier) @type
(type_parameter (type_identifier) @definition)
[(annotation name: (identifier) @type) (marker_annotation name: (identifier) @type)]
(method_invocation name: (identifier) @call)
(field_access field: (identifier) @attribute)
(element_value_pair key: (identifier) @attribute)
(field_declaration declarator: (variable_declarator name: (identifier) @field))
(enum_constant name: (identifier) @definition)
(labeled_statement . (identifier) @definition)
(lambda_expression parameters: (identifier) @parameter)
[(type_pattern (identifier) @bind) (record_pattern_component (identifier) @bind)]
[(formal_parameters) (inferred_parameters)] @list
[(import_declaration) (package_declaration)] @imports
[(class_body) (interface_body) (enum_body) (record_declaration) (switch_rule)] @scope
""",
    "c": _C,
    "cpp": _C
    + """
(class_specifier name: (type_identifier) @class body: (_))
[(alias_declaration name: (type_identifier) @class) (concept_definition name: (identifier) @class)]
(variadic_type_parameter_declaration (type_identifier) @definition)
[(type_parameter_declaration (type_identifier) @definition) (namespace_definition name: (_) @definition)]
(destructor_name (identifier) @function)
(call_expression function: (qualified_identifier name: (identifier) @call))
(call_expression function: (template_function name: (identifier) @call))
(call_expression function: (qualified_identifier name: (template_function name: (identifier) @call)))
(call_expression function: (field_expression field: (template_method name: (field_identifier) @call)))
(using_declaration) @imports
""",
    "javascript": """
[(class_declaration name: (identifier) @class) (class name: (identifier) @class)]
[(function_expression name: (identifier) @function) (generator_function name: (identifier) @function)]
(variable_declarator name: (identifier) @function value: [(arrow_function) (function_expression)])
(pair key: (property_identifier) @function value: [(arrow_function) (function_expression)])
[(new_expression constructor: (identifier) @type) (class_heritage (identifier) @type)]
(call_expression function: (identifier) @call)
(call_expression function: (member_expression property: (_) @call))
[(property_identifier) (private_property_identifier)] @attribute
(field_definition property: (_) @field)
(shorthand_property_identifier_pattern) @bind
(arrow_function parameter: (identifier) @parameter)
(labeled_statement label: (_) @definition)
(formal_parameters) @list
(import_statement) @imports
(class_body) @scope
""",
    "go": """
[(type_spec name: (type_identifier) @class) (type_alias name: (type_identifier) @class)]
(type_identifier) @type
(type_parameter_declaration name: (identifier) @type @definition)
(call_expression function: (identifier) @call)
(call_expression function: (selector_expression field: (field_identifier) @call))
(field_identifier) @attribute
(keyed_element . (literal_element (identifier) @attribute))
(field_declaration name: (field_identifier) @field)
(method_elem name: (field_identifier) @function)
(type_switch_statement alias: (expression_list (identifier) @bind))
(labeled_statement label: (_) @definition)
(parameter_list) @list
[(import_declaration) (package_clause)] @imports
""",
    "rust": """
[(struct_item name: (type_identifier) @class) (enum_item name: (type_identifier) @class)]
[(union_item name: (type_identifier) @class) (trait_item name: (type_identifier) @class)]
(type_item name: (type_identifier) @class)
(type_identifier) @type
[(type_parameter name: (type_identifier) @definition) (const_parameter name: (identifier) @definition)]
(function_signature_item name: (identifier) @function)
(macro_definition name: (identifier) @function)
(call_expression function: (identifier) @call)
(call_expression function: (field_expression field: (field_identifier) @call))
(call_expression function: (scoped_identifier name: (identifier) @call))
(call_expression function: (generic_function function: (identifier) @call))
(call_expression function: (generic_function function: (scoped_identifier name: (identifier) @call)))
(call_expression function: (generic_function function: (field_expression field: (field_identifier) @call)))
[(macro_invocation macro: (identifier) @call) (macro_invocation macro: (scoped_identifier name: (identifier) @call))]
(field_identifier) @attribute
(field_declaration name: (field_identifier) @field)
(field_pattern name: (shorthand_field_identifier) @bind)
[(enum_variant name: (identifier) @definition) (mod_item name: (identifier) @definition)]
[(const_item name: (identifier) @definition) (static_item name: (identifier) @definition)]
[(parameters) (closure_parameters)] @list
[(use_declaration) (extern_crate_declaration)] @imports
""",
}
