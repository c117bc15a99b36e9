/* Names and texts of status codes. */
#include "base/status.h"

#include <criterion/criterion.h>
#include <string.h>

Test(base_status, every_code_has_a_name_and_a_text)
{
#define CHECK_STATUS(name, value, text)                                                            \
    cr_expect_str_eq(wf_status_name(WF_##name), "WEFT_" #name);                                    \
    cr_expect_gt(strlen(wf_status_text(WF_##name)), 0);                                            \
    cr_expect_leq(WF_##name, 0);
    WF_STATUS_LIST(CHECK_STATUS)
#undef CHECK_STATUS
}

Test(base_status, unknown_codes_are_said_to_be_so)
{
    cr_expect_str_eq(wf_status_name(-9999), "WEFT_UNKNOWN");
    cr_expect_str_eq(wf_status_text(12), "unknown status");
}
