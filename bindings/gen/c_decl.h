/* Declarations in C, as the header and the reference page show them. */
#ifndef WF_GEN_C_DECL_H
#define WF_GEN_C_DECL_H

#include "out.h"
#include "spec.h"

/* "const weft_config *config" */
void wf_c_decl_parameter(struct wf_out *out, const struct wf_spec *spec,
                         const Weft__Abi__Parameter *parameter);
/* "char text[120];" */
void wf_c_decl_field(struct wf_out *out, const struct wf_spec *spec, const Weft__Abi__Field *field);
/* "typedef int (*weft_fn)(void *arg);" */
void wf_c_decl_callback(struct wf_out *out, const struct wf_spec *spec,
                        const Weft__Abi__Callback *callback);
/* `before`, then "int weft_stop(void);", broken where it gets too wide. No line end. */
void wf_c_decl_function(struct wf_out *out, const struct wf_spec *spec, const char *before,
                        const Weft__Abi__Function *function);
/* The value of a constant, with the macro that gives it its type. */
void wf_c_decl_constant(struct wf_out *out, const Weft__Abi__Constant *constant);

#endif
