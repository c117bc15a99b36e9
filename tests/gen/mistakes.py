"""The mistakes that test_gen.py puts into good.textproto, one at a time.

Each is: the text to replace (it stands once in the spec), what it is replaced by, a text on the
line that the message must name ("" for the line behind the last), and the message.
"""

from typing import NamedTuple


class Mistake(NamedTuple):
    old: str
    new: str
    line_with: str
    message: str


SYNTAX = {
    "unknown_field": Mistake(
        "transfer: FULL", "transfre: FULL", "transfre", 'Parameter has no field "transfre"'
    ),
    "unknown_enum_value": Mistake(
        "direction: OUT\n",
        "direction: SIDEWAYS\n",
        "SIDEWAYS",
        'field "direction": Direction has no value SIDEWAYS',
    ),
    "string_without_end": Mistake(
        '"Makes a thing."',
        '"Makes a thing.',
        "Makes a thing",
        "a string does not end on its line",
    ),
    "unknown_escape": Mistake(
        "Makes a thing", "Makes a \\qthing", "Makes a", "an escape in a string is not known"
    ),
    "stray_character": Mistake(
        "parks: true", "parks: true @", "parks", "a character that has no meaning here"
    ),
    "missing_colon": Mistake(
        "parks: true", "parks true", "parks true", 'field "parks": expected ":", found true'
    ),
    "number_for_string": Mistake(
        'title: "Things"',
        "title: 12",
        "title: 12",
        'field "title": expected a string, found 12',
    ),
    "string_for_bool": Mistake(
        "cancellable: true",
        'cancellable: "yes"',
        "cancellable",
        'field "cancellable": expected true or false, found a string',
    ),
    "number_out_of_range": Mistake(
        "count: 8", "count: 4294967296", "count:", 'field "count": 4294967296 is out of range'
    ),
    "negative_count": Mistake(
        "count: 8", "count: -8", "count:", 'field "count": -8 is out of range'
    ),
    "fraction": Mistake(
        "value: -1 ", "value: -1.5 ", "-1.5", 'field "value": expected an integer, found -1.5'
    ),
    "field_twice": Mistake(
        "parks: true",
        "parks: true\n    parks: false",
        "parks: false",
        'field "parks" is given twice',
    ),
    "list_for_one_value": Mistake(
        "parks: true", "parks: [true]", "parks", 'field "parks" takes one value, not a list'
    ),
    "file_ends_early": Mistake(
        "    context: FIBER\n  }\n}\n",
        "    context: FIBER\n",
        "",
        "the file ends in the middle of Function, which began at line 90",
    ),
    "brace_too_many": Mistake(
        "    context: FIBER\n  }\n}\n",
        "    context: FIBER\n  }\n}\n} # one more\n",
        "one more",
        'expected a field of Spec, found "}"',
    ),
}

NAMES = {
    "function_twice": Mistake(
        'name: "weft_wait"',
        'name: "weft_make" # again',
        "again",
        "function weft_make: the name is taken by the function at line 74",
    ),
    "type_named_as_handle": Mistake(
        'name: "weft_stats"',
        'name: "weft_thing" ',
        'name: "weft_thing"  doc: "How',
        "struct weft_thing: the name is taken by the handle at line 11",
    ),
    "status_twice": Mistake(
        '"WEFT_ENOTFIBER" value: -3',
        '"WEFT_EBADHANDLE" value: -3',
        "value: -3",
        "status WEFT_EBADHANDLE: the name is taken by the status at line 7",
    ),
    "enum_value_twice": Mistake(
        'name: "WEFT_BLUE"',
        'name: "WEFT_RED" ',
        '"WEFT_RED"  value: 1',
        'enum weft_color: value "WEFT_RED": the name is taken by the enum value at line 21',
    ),
    "parameter_twice": Mistake(
        'name: "stats_size"',
        'name: "config_size" ',
        '"config_size"  type',
        'function weft_check: parameter "config_size": an earlier parameter has the same name',
    ),
    "field_name_twice": Mistake(
        'name: "label"',
        'name: "color" ',
        '"color"  type',
        'struct weft_config: field "color": an earlier field has the same name',
    ),
    "name_of_the_status_list": Mistake(
        'name: "weft_thing" doc',
        'name: "weft_status" doc',
        "weft_status",
        "handle weft_status: the name is taken by the list of statuses",
    ),
    "function_without_prefix": Mistake(
        'name: "weft_wait"',
        'name: "wait"',
        'name: "wait"',
        "function wait: the name must be weft_ and small letters, digits, _",
    ),
    "function_in_capitals": Mistake(
        'name: "weft_wait"',
        'name: "weft_Wait"',
        "weft_Wait",
        "function weft_Wait: the name must be weft_ and small letters, digits, _",
    ),
    "constant_without_prefix": Mistake(
        '"WEFT_LIMIT"',
        '"LIMIT"',
        '"LIMIT"',
        "constant LIMIT: the name must be WEFT_ and capital letters, digits, _",
    ),
    "enum_value_without_prefix": Mistake(
        '"WEFT_BLUE"',
        '"BLUE"',
        '"BLUE"',
        'enum weft_color: value "BLUE": the name must be WEFT_ and capital letters, digits, _',
    ),
    "parameter_without_name": Mistake(
        'name: "config_size" type: "uint32" doc: "theirs" }',
        'type: "uint32" doc: "theirs" } # no name',
        "no name",
        "function weft_check: parameter without a name: missing name",
    ),
    "handle_without_name": Mistake(
        'name: "weft_thing" doc',
        "doc",
        'doc: "A thing."',
        "handle without a name: missing name",
    ),
    "parameter_in_capitals": Mistake(
        'name: "config_size"',
        'name: "configSize"',
        "configSize",
        'function weft_check: parameter "configSize": the name must be small letters, digits, _',
    ),
}

DOCS = {
    "function_without_doc": Mistake(
        'doc: "Waits for a thing."', "", "# the function", "function weft_wait: missing doc"
    ),
    "parameter_without_doc": Mistake(
        'type: "weft_thing" doc: "which" }',
        'type: "weft_thing" } # bare',
        "bare",
        'function weft_wait: parameter "thing": missing doc',
    ),
    "field_without_doc": Mistake(
        'count: 8 doc: "short"',
        "count: 8",
        "count: 8",
        'struct weft_config: field "text": missing doc',
    ),
    "enum_value_without_doc": Mistake(
        'value: 1 doc: "blue" }',
        "value: 1 } # blue",
        "# blue",
        'enum weft_color: value "WEFT_BLUE": missing doc',
    ),
    "status_without_doc": Mistake(
        'doc: "A thread."', "", '"no fiber"', "status WEFT_ENOTFIBER: missing doc"
    ),
    "result_without_doc": Mistake(
        'type: "uint32" doc: "packed" }',
        'type: "uint32" } # packed',
        "# packed",
        "function weft_version: result: missing doc",
    ),
    "empty_doc": Mistake('"Makes a thing."', '""', 'doc: ""', "function weft_make: missing doc"),
    "doc_ends_the_comment": Mistake(
        "Makes a thing.",
        "Makes */ a thing.",
        "Makes */",
        "function weft_make: doc holds a comment mark of C",
    ),
    "missing_since": Mistake(
        'doc: "A colour."\n    since: "0.1.0"',
        'doc: "A colour."',
        "# the enum",
        "enum weft_color: missing since",
    ),
    "since_is_no_version": Mistake(
        'since: "0.2.0"',
        'since: "0.2"',
        'since: "0.2"',
        'function weft_label: since "0.2" is not a version like 0.1.0',
    ),
    "since_the_future": Mistake(
        'since: "0.2.0"',
        'since: "0.3.0"',
        'since: "0.3.0"',
        "function weft_label: since 0.3.0 is later than the library's version",
    ),
    "doc_begins_with_a_blank": Mistake(
        "Makes a thing.",
        " Makes a thing.",
        "Makes a",
        "function weft_make: doc begins or ends with a blank",
    ),
    "doc_with_two_blanks": Mistake(
        "Makes a thing.",
        "Makes a  thing.",
        "Makes a",
        "function weft_make: doc has two blanks in a row, or a tab",
    ),
    "callback_result_without_doc": Mistake(
        'type: "int" doc: "0 to go on"',
        'type: "status"',
        'result { type: "status" }\n  }\n',
        "callback weft_visit_fn: result: missing doc",
    ),
}

TYPES = {
    "unknown_type": Mistake(
        'type: "weft_thing"\n',
        'type: "weft_thong"\n',
        "weft_thong",
        'function weft_make: parameter "out": unknown type "weft_thong"',
    ),
    "unknown_type_in_struct": Mistake(
        'type: "char" count',
        'type: "chair" count',
        "chair",
        'struct weft_config: field "text": unknown type "chair"',
    ),
    "function_as_type": Mistake(
        'type: "weft_thing"\n',
        'type: "weft_wait"\n',
        'type: "weft_wait"',
        'function weft_make: parameter "out": unknown type "weft_wait"',
    ),
    "type_before_its_definition": Mistake(
        'type: "pointer" nullable: true doc: "the closure"',
        'type: "weft_stats" doc: "the closure"',
        "the closure",
        'callback weft_visit_fn: parameter "data": type weft_stats is defined only later, '
        "at line 46",
    ),
    "out_without_owner": Mistake(
        "transfer: FULL\n",
        "\n",
        "direction: OUT\n",
        'function weft_make: parameter "out": direction OUT needs a transfer',
    ),
    "result_without_owner": Mistake(
        "transfer: NONE nullable: true doc",
        "nullable: true doc",
        'type: "utf8" nullable: true doc: "its label"',
        "function weft_label: result: type utf8 needs a transfer",
    ),
    "optional_in": Mistake(
        'doc: "theirs" }\n    parameter { name: "config_size"',
        'doc: "theirs" optional: true }\n    parameter { name: "config_size"',
        "optional: true }",
        'function weft_check: parameter "version": optional is for direction OUT and INOUT; '
        "an IN parameter is nullable",
    ),
    "nullable_number": Mistake(
        'parameter { name: "color" type: "weft_color" doc: "which" }',
        'parameter { name: "color" type: "weft_color" nullable: true doc: "which" }',
        'nullable: true doc: "which"',
        'function weft_label: parameter "color": type weft_color is never NULL',
    ),
    "size_is_not_first": Mistake(
        'field { name: "size" type: "uint32" doc: "its size" }\n    field { name: "color"',
        'field { name: "color"',
        'field { name: "color"',
        'struct weft_config: the first field must be "size" of type uint32',
    ),
    "struct_without_fields": Mistake(
        'name: "weft_stats" doc: "How many." since: "0.1.0"\n'
        '    field { name: "size" type: "uint32" doc: "its size" }\n'
        '    field { name: "things" type: "uint64" doc: "of things" }\n',
        'name: "weft_stats" doc: "How many." since: "0.1.0"\n',
        "# the counters",
        'struct weft_stats: a struct needs the field "size" of type uint32',
    ),
    "char_without_count": Mistake(
        "count: 8",
        "",
        'type: "char"',
        'struct weft_config: field "text": type char needs a count',
    ),
    "callback_without_scope": Mistake(
        "scope: CALL closure",
        "closure",
        'closure: "data"',
        'function weft_wait: parameter "visit": a callback needs a scope',
    ),
    "closure_is_no_parameter": Mistake(
        'closure: "data"',
        'closure: "date"',
        '"date"',
        'function weft_wait: parameter "visit": closure "date" is no parameter of type pointer',
    ),
    "notified_without_destroy": Mistake(
        "scope: CALL",
        "scope: NOTIFIED",
        "NOTIFIED",
        'function weft_wait: parameter "visit": scope NOTIFIED and destroy need each other',
    ),
    "flag_of_two_bits": Mistake(
        'name: "WEFT_B" value: 2',
        'name: "WEFT_B" value: 3',
        'WEFT_B"',
        'enum weft_flags: value "WEFT_B": 3 is not a single bit',
    ),
    "enum_number_twice": Mistake(
        '"WEFT_BLUE" value: 1',
        '"WEFT_BLUE" value: 0',
        "WEFT_BLUE",
        'enum weft_color: value "WEFT_BLUE": WEFT_RED has the value 0 too',
    ),
    "status_above_zero": Mistake(
        "value: -1 ",
        "value: 1 ",
        'ECANCELED" value',
        "status WEFT_ECANCELED: the first status is 0, all others are negative",
    ),
    "missing_type": Mistake(
        'type: "weft_thing"\n',
        "\n",
        "# the thing",
        'function weft_make: parameter "out": missing type',
    ),
    "unknown_type_without_owner": Mistake(
        'type: "weft_thing"\n      direction: OUT\n      transfer: FULL\n',
        'type: "weft_thong"\n      direction: OUT\n',
        "direction: OUT\n",
        'function weft_make: parameter "out": direction OUT needs a transfer',
    ),
    "string_goes_out": Mistake(
        'type: "weft_thing"\n',
        'type: "utf8"\n',
        "direction: OUT\n",
        'function weft_make: parameter "out": type utf8 cannot go OUT',
    ),
    "string_goes_in_and_out": Mistake(
        'type: "weft_thing"\n      direction: OUT\n',
        'type: "utf8"\n      direction: INOUT\n',
        "INOUT",
        'function weft_make: parameter "out": type utf8 cannot go INOUT',
    ),
    "array_of_handles": Mistake(
        'type: "weft_thing" doc: "which"',
        'type: "weft_thing" zero_terminated: true doc: "which"',
        'zero_terminated: true doc: "which"',
        'function weft_wait: parameter "thing": only IN arrays of utf8 end with NULL',
    ),
    "scope_of_a_number": Mistake(
        'name: "version" type: "uint32"',
        'name: "version" type: "uint32" scope: CALL',
        'type: "uint32" scope: CALL',
        'function weft_check: parameter "version": scope, closure and destroy are for callbacks',
    ),
    "destroy_is_no_parameter": Mistake(
        "scope: CALL",
        'scope: NOTIFIED destroy: "gone"',
        "gone",
        'function weft_wait: parameter "visit": destroy "gone" is no parameter',
    ),
    "status_as_parameter": Mistake(
        'type: "weft_thing" doc: "which"',
        'type: "status" doc: "which"',
        'type: "status" doc: "which"',
        'function weft_wait: parameter "thing": type status cannot be a parameter',
    ),
    "callback_takes_itself": Mistake(
        'name: "data" type: "pointer" nullable: true doc: "the closure"',
        'name: "data" type: "weft_visit_fn" doc: "the closure"',
        "the closure",
        'callback weft_visit_fn: parameter "data": a callback cannot take a callback',
    ),
    "struct_as_result": Mistake(
        'type: "uint32" doc: "packed"',
        'type: "weft_stats" doc: "packed"',
        "packed",
        "function weft_version: result: type weft_stats cannot be a result",
    ),
    "nullable_result_number": Mistake(
        'type: "uint32" doc: "packed"',
        'type: "uint32" nullable: true doc: "packed"',
        "packed",
        "function weft_version: result: type uint32 is never NULL",
    ),
    "handle_as_field": Mistake(
        'name: "label" type: "utf8"',
        'name: "label" type: "weft_thing"',
        'name: "label" type',
        'struct weft_config: field "label": type weft_thing cannot be a field',
    ),
    "array_of_strings_in_struct": Mistake(
        'name: "label" type: "utf8"',
        'name: "label" type: "utf8" count: 3',
        "count: 3",
        'struct weft_config: field "label": a field of type utf8 has no count',
    ),
    "string_constant": Mistake(
        'type: "int64" value: 7',
        'type: "utf8" value: 7',
        "WEFT_LIMIT",
        "constant WEFT_LIMIT: type utf8 cannot be a constant",
    ),
    "constant_without_value": Mistake(
        "value: 7 ", "", "WEFT_LIMIT", "constant WEFT_LIMIT: missing value"
    ),
    "enum_value_without_value": Mistake(
        '"WEFT_BLUE" value: 1',
        '"WEFT_BLUE"',
        "WEFT_BLUE",
        'enum weft_color: value "WEFT_BLUE": missing value',
    ),
    "status_without_value": Mistake(
        "value: -2 ", "", 'EBADHANDLE" text', "status WEFT_EBADHANDLE: missing value"
    ),
    "status_number_twice": Mistake(
        "value: -3 ",
        "value: -2 ",
        'ENOTFIBER" value',
        "status WEFT_ENOTFIBER: WEFT_EBADHANDLE has the value -2 too",
    ),
    "enum_without_values": Mistake(
        '    value { name: "WEFT_A" value: 1 doc: "a" }\n'
        '    value { name: "WEFT_B" value: 2 doc: "b" }\n',
        "",
        "# the flags",
        "enum weft_flags: an enum needs a value",
    ),
}

FUNCTIONS = {
    "unknown_error_code": Mistake(
        'error { code: "WEFT_ENOTFIBER" }',
        'error { code: "WEFT_ENOTHING" }',
        "WEFT_ENOTHING",
        "function weft_wait: unknown error code WEFT_ENOTHING",
    ),
    "success_as_error": Mistake(
        'code: "WEFT_EMISMATCH" }\n    context: ANY_THREAD\n',
        'code: "WEFT_OK" }\n    context: ANY_THREAD\n',
        'code: "WEFT_OK"',
        "function weft_make: WEFT_OK is not an error",
    ),
    "error_twice": Mistake(
        'error { code: "WEFT_ENOTFIBER" }',
        'error { code: "WEFT_ENOTFIBER" }\n    error { code: "WEFT_ENOTFIBER" } # again',
        "again",
        "function weft_wait: error code WEFT_ENOTFIBER is listed twice",
    ),
    "missing_result": Mistake(
        'result { type: "uint32" doc: "packed" }\n',
        "\n",
        "# the version function",
        "function weft_version: missing result",
    ),
    "missing_context": Mistake(
        "    context: FIBER\n", "", "# the function", "function weft_wait: missing context"
    ),
    "parks_on_a_thread": Mistake(
        "context: FIBER",
        "context: ANY_THREAD",
        "parks: true",
        "function weft_wait: parks needs a context that is a fiber",
    ),
    "cancellable_without_parks": Mistake(
        "    parks: true\n",
        "",
        "cancellable: true",
        "function weft_wait: cancellable needs parks",
    ),
    "cancellable_without_code": Mistake(
        '    error { code: "WEFT_ECANCELED" }\n',
        "",
        "cancellable: true",
        "function weft_wait: cancellable needs the error ECANCELED",
    ),
    "handle_without_code": Mistake(
        '    error { code: "WEFT_EBADHANDLE" }\n',
        "",
        'type: "weft_thing" doc: "which"',
        'function weft_wait: parameter "thing": a handle needs the error EBADHANDLE',
    ),
    "fiber_without_code": Mistake(
        '    error { code: "WEFT_ENOTFIBER" }\n',
        "",
        "context: FIBER",
        "function weft_wait: a function for fibers needs the error ENOTFIBER",
    ),
    "parks_with_the_host_lock": Mistake(
        "parks: true\n",
        "parks: true keeps_host_lock: true\n",
        "parks: true keeps",
        "function weft_wait: a function that parks cannot keep the host lock",
    ),
    "version_is_incomplete": Mistake(
        "minor: 2 patch: 0",
        "patch: 0",
        "version { major",
        "library: the version needs major, minor and patch",
    ),
    "error_without_code": Mistake(
        'error { code: "WEFT_ENOTFIBER" }',
        'error { when: "it rains" }',
        "it rains",
        "function weft_wait: an error needs a code",
    ),
    "struct_without_code": Mistake(
        '    error { code: "WEFT_EMISMATCH" }\n',
        "",
        'name: "config" type',
        'function weft_make: parameter "config": a struct needs the error EMISMATCH',
    ),
    "error_of_a_text": Mistake(
        'doc: "its label" }\n',
        'doc: "its label" }\n    error { code: "WEFT_EMISMATCH" } # whose\n',
        "whose",
        "function weft_label: errors are for a result of type status",
    ),
    "version_does_not_fit": Mistake(
        "minor: 2 patch: 0",
        "minor: 256 patch: 0",
        "minor: 256",
        "library: the version does not fit major << 16 | minor << 8 | patch",
    ),
}

MISTAKES = {**SYNTAX, **NAMES, **DOCS, **TYPES, **FUNCTIONS}
