"""What is counted in a text, for each language.

@decision  a place where control may go two ways: cyclomatic complexity is their number and one
@branch    a control structure that others nest in
@chained   an if that continues the one before it (`else if`), and so is no deeper
@loop      a loop statement
@pointer   a pointer or reference is declared, taken or followed; only in languages that have them
@array     an array or list is declared, written out or indexed
@null      a comparison with the absence of a value
@throw     an exception is thrown, or what the language has instead
@catch     an exception is caught
@called    name of what is called or created
"""

_C = """
[(if_statement) (for_statement) (while_statement) (do_statement) (conditional_expression)] @decision
[(case_statement "case") (seh_except_clause)] @decision
(binary_expression ["&&" "||"]) @decision
[(if_statement) (for_statement) (while_statement) (do_statement) (switch_statement)] @branch
(else_clause (if_statement) @chained)
[(for_statement) (while_statement) (do_statement)] @loop
[(pointer_declarator) (abstract_pointer_declarator) (pointer_expression) (field_expression "->")] @pointer
[(array_declarator) (abstract_array_declarator) (subscript_expression)] @array
[(binary_expression ["==" "!="] (null)) (binary_expression (null) ["==" "!="])] @null
[(call_expression function: (identifier) @called)
 (call_expression function: (field_expression field: (field_identifier) @called))]
"""

MEASURES: dict[str, str] = {
    "python": """
[(if_statement) (elif_clause) (for_statement) (while_statement) (except_clause) (conditional_expression)] @decision
[(boolean_operator) (for_in_clause) (if_clause) (case_clause (case_pattern (_)))] @decision
[(if_statement) (for_statement) (while_statement) (try_statement) (match_statement)] @branch
[(for_statement) (while_statement)] @loop
[(subscript) (list) (list_comprehension)] @array
(comparison_operator (none)) @null
(raise_statement) @throw
(except_clause) @catch
[(call function: (identifier) @called) (call function: (attribute attribute: (identifier) @called))]
""",
    "java": """
[(if_statement) (for_statement) (enhanced_for_statement) (while_statement) (do_statement)] @decision
[(ternary_expression) (catch_clause) (switch_label "case")] @decision
(binary_expression ["&&" "||"]) @decision
[(if_statement) (for_statement) (enhanced_for_statement) (while_statement) (do_statement)] @branch
[(switch_expression) (try_statement) (try_with_resources_statement)] @branch
(if_statement alternative: (if_statement) @chained)
[(for_statement) (enhanced_for_statement) (while_statement) (do_statement)] @loop
[(array_type) (array_access) (array_creation_expression) (array_initializer)] @array
[(binary_expression ["==" "!="] (null_literal)) (binary_expression (null_literal) ["==" "!="])] @null
(throw_statement) @throw
(catch_clause) @catch
[(method_invocation name: (identifier) @called) (object_creation_expression type: (type_identifier) @called)]
""",
    "c": _C,
    "cpp": _C
    + """
[(for_range_loop) (catch_clause) (binary_expression ["and" "or"])] @decision
[(for_range_loop) (try_statement)] @branch
(for_range_loop) @loop
(throw_statement) @throw
(catch_clause) @catch
[(call_expression function: (qualified_identifier name: (identifier) @called))
 (call_expression function: (template_function name: (identifier) @called))
 (call_expression function: (qualified_identifier name: (template_function name: (identifier) @called)))]
[(new_expression "new" @called) (delete_expression "delete" @called)]
""",
    "javascript": """
[(if_statement) (for_statement) (for_in_statement) (while_statement) (do_statement)] @decision
[(ternary_expression) (catch_clause) (switch_case)] @decision
(binary_expression ["&&" "||" "??"]) @decision
[(if_statement) (for_statement) (for_in_statement) (while_statement) (do_statement)] @branch
[(switch_statement) (try_statement)] @branch
(else_clause (if_statement) @chained)
[(for_statement) (for_in_statement) (while_statement) (do_statement)] @loop
[(array) (subscript_expression)] @array
(binary_expression ["==" "!=" "===" "!=="] [(null) (undefined)]) @null
(binary_expression [(null) (undefined)] ["==" "!=" "===" "!=="]) @null
(throw_statement) @throw
(catch_clause) @catch
[(call_expression function: (identifier) @called) (new_expression constructor: (identifier) @called)
 (call_expression function: (member_expression property: (property_identifier) @called))]
""",
    "go": """
[(if_statement) (for_statement) (expression_case) (type_case) (communication_case)] @decision
(binary_expression ["&&" "||"]) @decision
[(if_statement) (for_statement) (expression_switch_statement) (type_switch_statement) (select_statement)] @branch
(if_statement alternative: (if_statement) @chained)
(for_statement) @loop
[(pointer_type) (unary_expression ["*" "&"])] @pointer
[(array_type) (slice_type) (index_expression) (slice_expression)] @array
[(binary_expression ["==" "!="] (nil)) (binary_expression (nil) ["==" "!="])] @null
(call_expression function: (identifier) @throw (#eq? @throw "panic"))
(call_expression function: (identifier) @catch (#eq? @catch "recover"))
[(call_expression function: (identifier) @called)
 (call_expression function: (selector_expression field: (field_identifier) @called))]
""",
    "rust": """
[(if_expression) (for_expression) (while_expression)] @decision
((match_arm pattern: (match_pattern) @pattern) @decision (#not-match? @pattern "^_( |$)"))
(match_pattern condition: (_) @decision)
(binary_expression ["&&" "||"]) @decision
[(if_expression) (for_expression) (while_expression) (loop_expression) (match_expression)] @branch
(else_clause (if_expression) @chained)
[(for_expression) (while_expression) (loop_expression)] @loop
[(pointer_type) (reference_type) (reference_expression) (unary_expression "*")] @pointer
[(array_type) (array_expression) (index_expression)] @array
(call_expression function: (field_expression field: (field_identifier) @null) (#any-of? @null "is_none" "is_some"))
(let_condition pattern: (tuple_struct_pattern type: (identifier) @null) (#eq? @null "Some"))
(match_arm pattern: (match_pattern . (identifier) @null) (#eq? @null "None"))
(macro_invocation macro: (identifier) @throw (#any-of? @throw "panic" "todo" "unreachable" "unimplemented"))
[(call_expression function: (identifier) @called) (macro_invocation macro: (identifier) @called)
 (call_expression function: (field_expression field: (field_identifier) @called))
 (call_expression function: (scoped_identifier name: (identifier) @called))
 (call_expression function: (generic_function function: (scoped_identifier name: (identifier) @called)))]
(call_expression function: (scoped_identifier name: (identifier) @catch) (#eq? @catch "catch_unwind"))
""",
}
# Languages in which the measure means nothing.
WITHOUT = {
    "pointer": ("python", "java", "javascript"),
    "exceptions": ("c",),
}

# Names of called functions by what they are for, in any of the languages; a name may be of several families.
FAMILIES: dict[str, tuple[str, str]] = {
    "memory": (
        "allocates, copies or frees memory",
        r"\w*(?:alloc|allocz|alloc_array|alloca)|(?:\w*_)?[kv]?free[pv]?|mem(?:cpy|set|move|cmp|chr)|new|delete|make"
        r"|m(?:un)?map|drop|with_capacity|make_(?:unique|shared)",
    ),
    "string": (
        "works on text",
        r"str(?:n?len|n?cpy|lcpy|n?cat|lcat|n?cmp|n?casecmp|r?chr|n?str|tok|n?dup|spn|to\w+)|v?sn?printf|sscanf|r?split"
        r"|join|[lr]?strip|replace|format|lower|upper|to(?:Lower|Upper)(?:Case)?|trim\w*|substr(?:ing)?|charAt"
        r"|(?:starts|ends)_?with|(?:starts|ends)With|encode|decode|concat|(?:last)?[iI]ndexOf|to_?[sS]tring|to_owned"
        r"|push_str|Sprintf?|Has(?:Prefix|Suffix)|Split|Join|Replace|ato[fil]",
    ),
    "io": (
        "reads or writes files or the terminal",
        r"e?print(?:ln)?|printf|Print(?:ln|f)?|f(?:open|close|read|write|gets|puts|printf|scanf|seek|flush|eof)|scanf"
        r"|puts|putchar|getchar|open|close|Open|Close|Create|read(?!y)\w*|Read(?!y)\w*|write\w*|Write\w*|seek|flush|input"
        r"|File(?:Reader|Writer|InputStream|OutputStream)?|Buffered(?:Reader|Writer)|Scanner|unlink|mkdir\w*|exists",
    ),
    "network": (
        "talks to other machines",
        r"socket|connect|bind|listen|accept|send(?:to|msg|all)?|recv(?:from|msg)?|getaddrinfo|gethostby\w+|inet_\w+"
        r"|[hn]to[hn][sl]|urlopen|request|fetch|openConnection|Socket|ServerSocket|URL|Dial|Listen|ListenAndServe",
    ),
    "process": (
        "starts, ends or asks about processes",
        r"fork|exec[lv]?[pe]{0,2}|system|popen|Popen|spawn|waitpid|kill|exit|_exit|abort|Exit|check_(?:call|output)"
        r"|getenv|Getenv|getpid|signal|sigaction|getRuntime|Command",
    ),
    "threads": (
        "threads and locks",
        r"pthread_\w+|(?:\w*_)?(?:try)?(?:un)?lock(?:_\w+)?|[RT]?(?:ry)?(?:Un)?Lock|acquire|release|Thread|notify(?:All)?"
        r"|submit|execute|synchronized|wait|Wait|Done|join_all|create_task|gather",
    ),
    "math": (
        "computes with numbers",
        r"sqrt[fl]?|pow[fil]?|exp|log2|log10|log1p|a?(?:sin|cos|tan)[hf]?|atan2|floor|ceil|round|trunc|f?abs|l?labs|min"
        r"|max|hypot|fmod|rand(?:om|int)?|srand|nextInt|sum|Sqrt|Pow|Abs|Min|Max|Floor|Ceil",
    ),
    "time": (
        "clocks and waiting",
        r"time|clock|clock_gettime|u?sleep|nanosleep|msleep|Sleep|gettimeofday|now|Now|Since|localtime|gmtime|strftime"
        r"|mktime|currentTimeMillis|nanoTime|monotonic|perf_counter|setTimeout|setInterval|Date|elapsed",
    ),
    "collections": (
        "works on lists, sets and maps",
        r"append|extend|add|addAll|push(?:_back|_front|_all)?|pop(?:_back|_front|left|item)?|insert|remove|erase|put"
        r"|putAll|setdefault|contains(?:Key|_key|Value)?|keys|values|items|entries|sort(?:ed)?|Sort|iter|collect|filter"
        r"|reduce|forEach|len|size|isEmpty|is_empty|clear|list|dict|set|tuple|enumerate|zip|range|ArrayList|HashMap",
    ),
    "logging": (
        "writes a log",
        r"(?:\w*_)?log|debug|info|warn(?:ing)?|error|trace|fatal|exception|v?printk|pr_\w+|dev_(?:err|warn|info|dbg)"
        r"|syslog|perror|Fatal(?:f|ln)?|Errorf|getLogger|console",
    ),
}
