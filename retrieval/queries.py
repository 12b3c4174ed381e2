"""What a grammar calls a definition, a call and an import: one tree-sitter query a language.

Captures: ``@function``, ``@class``, ``@type``, ``@variable`` with ``@name`` and, where there is one,
``@body`` and ``@scope`` (the type a method belongs to); ``@call`` or ``@use`` with ``@receiver``;
  ``@import``.
"""

from types import MappingProxyType

_PYTHON = """
(function_definition name: (identifier) @name body: (block) @body) @function
(class_definition name: (identifier) @name body: (block) @body) @class
(decorated_definition definition: (function_definition name: (identifier) @name body: (block)
  @body)) @function
(decorated_definition definition: (class_definition name: (identifier) @name body: (block) @body)) @class
(module (expression_statement (assignment left: (identifier) @name)) @variable)
(class_definition body: (block (expression_statement (assignment left: (identifier) @name)) @variable))
(call function: (identifier) @call)
(call function: (attribute object: (_) @receiver attribute: (identifier) @call))
(class_definition superclasses: (argument_list (identifier) @use))
(type (identifier) @use)
(decorator (identifier) @use)
(import_statement) @import
(import_from_statement) @import
"""
_JAVASCRIPT = """
(function_declaration name: (identifier) @name body: (statement_block) @body) @function
(generator_function_declaration name: (identifier) @name body: (statement_block) @body) @function
(method_definition name: (_) @name body: (statement_block) @body) @function
(program [(lexical_declaration (variable_declarator name: (identifier) @name
  value: [(arrow_function body: (_) @body) (function_expression body: (_) @body)]))
  (export_statement (lexical_declaration (variable_declarator name: (identifier) @name
  value: [(arrow_function body: (_) @body) (function_expression body: (_) @body)])))] @function)
(program [(lexical_declaration (variable_declarator name: (identifier) @name))
  (export_statement (lexical_declaration (variable_declarator name: (identifier) @name)))] @variable)
(call_expression function: (identifier) @call)
(call_expression function: (member_expression object: (_) @receiver property: (property_identifier) @call))
(new_expression constructor: (identifier) @call)
(import_statement) @import
(export_statement source: (string)) @import
"""
_PLAIN_CLASS = """
(class_declaration name: (_) @name body: (class_body) @body) @class
"""
_TYPES = """
(abstract_class_declaration name: (_) @name body: (class_body) @body) @class
(interface_declaration name: (_) @name body: (_) @body) @class
(enum_declaration name: (_) @name body: (_) @body) @class
(type_alias_declaration name: (_) @name) @type
(type_annotation (type_identifier) @use)
(extends_clause value: (identifier) @use)
"""
_GO = """
(function_declaration name: (identifier) @name body: (block) @body) @function
(method_declaration receiver: (parameter_list (parameter_declaration type: [(type_identifier) @scope
  (pointer_type (type_identifier) @scope)])) name: (field_identifier) @name body: (block) @body) @function
(type_declaration (type_spec name: (type_identifier) @name type: [(struct_type) (interface_type)]
  @body)) @class
(type_declaration (type_spec name: (type_identifier) @name)) @type
(call_expression function: (identifier) @call)
(call_expression function: (selector_expression operand: (identifier) @receiver field:
  (field_identifier) @call))
(import_spec) @import
"""
_RUST = """
(function_item name: (identifier) @name body: (block) @body) @function
(impl_item type: [(type_identifier) @name (generic_type type: (type_identifier) @name)]
  body: (declaration_list) @body) @scope.impl
(struct_item name: (type_identifier) @name) @class
(enum_item name: (type_identifier) @name) @class
(trait_item name: (type_identifier) @name body: (_) @body) @class
(mod_item name: (identifier) @name body: (_) @body) @class
(type_item name: (type_identifier) @name) @type
(call_expression function: (identifier) @call)
(call_expression function: (scoped_identifier name: (identifier) @call))
(call_expression function: (field_expression field: (field_identifier) @call))
(use_declaration) @import
"""
_JAVA = """
(class_declaration name: (identifier) @name body: (_) @body) @class
(interface_declaration name: (identifier) @name body: (_) @body) @class
(enum_declaration name: (identifier) @name body: (_) @body) @class
(record_declaration name: (identifier) @name body: (_) @body) @class
(method_declaration name: (identifier) @name body: (block) @body) @function
(constructor_declaration name: (identifier) @name body: (_) @body) @function
(method_invocation name: (identifier) @call)
(object_creation_expression type: (type_identifier) @call)
(import_declaration) @import
"""
_C = """
(function_definition declarator: (function_declarator declarator: (identifier) @name)
  body: (compound_statement) @body) @function
(function_definition declarator: (pointer_declarator declarator: (function_declarator declarator:
  (identifier) @name))
  body: (compound_statement) @body) @function
(struct_specifier name: (type_identifier) @name body: (_) @body) @class
(enum_specifier name: (type_identifier) @name body: (_) @body) @class
(type_definition declarator: (type_identifier) @name) @type
(call_expression function: (identifier) @call)
(call_expression function: (field_expression field: (field_identifier) @call))
(preproc_include) @import
"""
_CPP = (
    _C
    + """
(class_specifier name: (type_identifier) @name body: (_) @body) @class
(namespace_definition name: (_) @name body: (_) @body) @class
(function_definition declarator: (function_declarator declarator: (field_identifier) @name)
  body: (compound_statement) @body) @function
(function_definition declarator: (function_declarator declarator: (qualified_identifier
  scope: (namespace_identifier) @scope name: (_) @name)) body: (compound_statement) @body) @function
(call_expression function: (qualified_identifier name: (identifier) @call))
"""
)
_CSHARP = """
(class_declaration name: (identifier) @name body: (_) @body) @class
(interface_declaration name: (identifier) @name body: (_) @body) @class
(struct_declaration name: (identifier) @name body: (_) @body) @class
(enum_declaration name: (identifier) @name body: (_) @body) @class
(method_declaration name: (identifier) @name body: (_) @body) @function
(constructor_declaration name: (identifier) @name body: (_) @body) @function
(invocation_expression function: (identifier) @call)
(invocation_expression function: (member_access_expression name: (identifier) @call))
(using_directive) @import
"""
_RUBY = """
(class name: (_) @name body: (_) @body) @class
(module name: (_) @name body: (_) @body) @class
(method name: (_) @name body: (_) @body) @function
(singleton_method name: (_) @name body: (_) @body) @function
(call method: (identifier) @call)
((call method: (identifier) @called) @import (#match? @called "^require"))
"""
_PHP = """
(class_declaration name: (name) @name body: (_) @body) @class
(interface_declaration name: (name) @name body: (_) @body) @class
(trait_declaration name: (name) @name body: (_) @body) @class
(function_definition name: (name) @name body: (_) @body) @function
(method_declaration name: (name) @name body: (_) @body) @function
(function_call_expression function: (name) @call)
(member_call_expression name: (name) @call)
(namespace_use_declaration) @import
"""
_KOTLIN = """
(class_declaration name: (identifier) @name) @class
(object_declaration name: (identifier) @name) @class
(function_declaration name: (identifier) @name (function_body) @body) @function
(call_expression (identifier) @call)
(import) @import
"""
_SWIFT = """
(class_declaration name: (_) @name body: (_) @body) @class
(protocol_declaration name: (_) @name body: (_) @body) @class
(function_declaration name: (simple_identifier) @name body: (_) @body) @function
(call_expression (simple_identifier) @call)
(import_declaration) @import
"""
_SCALA = """
(class_definition name: (identifier) @name body: (_) @body) @class
(object_definition name: (identifier) @name body: (_) @body) @class
(trait_definition name: (identifier) @name body: (_) @body) @class
(function_definition name: (identifier) @name body: (_) @body) @function
(call_expression function: (identifier) @call)
(call_expression function: (field_expression field: (identifier) @call))
(import_declaration) @import
"""
_BASH = """
(function_definition name: (word) @name body: (_) @body) @function
(command name: (command_name (word) @call))
"""
QUERIES = MappingProxyType(
    {
        "python": _PYTHON,
        "javascript": _JAVASCRIPT + _PLAIN_CLASS,
        "javascriptreact": _JAVASCRIPT + _PLAIN_CLASS,
        "typescript": _JAVASCRIPT + _PLAIN_CLASS + _TYPES,
        "typescriptreact": _JAVASCRIPT + _PLAIN_CLASS + _TYPES,
        "go": _GO,
        "rust": _RUST,
        "java": _JAVA,
        "c": _C,
        "cpp": _CPP,
        "csharp": _CSHARP,
        "ruby": _RUBY,
        "php": _PHP,
        "kotlin": _KOTLIN,
        "swift": _SWIFT,
        "scala": _SCALA,
        "shellscript": _BASH,
    }
)
