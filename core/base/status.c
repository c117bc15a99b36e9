/* Names and texts of the status codes. */
#include "base/status.h"

const char *wf_status_text(int code)
{
    switch (code) {
#define WF_STATUS_TEXT(name, value, text)                                                          \
    case value:                                                                                    \
        return text;
        WF_STATUS_LIST(WF_STATUS_TEXT)
#undef WF_STATUS_TEXT
    default:
        return "unknown status";
    }
}

const char *wf_status_name(int code)
{
    switch (code) {
#define WF_STATUS_NAME(name, value, text)                                                          \
    case value:                                                                                    \
        return "WEFT_" #name;
        WF_STATUS_LIST(WF_STATUS_NAME)
#undef WF_STATUS_NAME
    default:
        return "WEFT_UNKNOWN";
    }
}
