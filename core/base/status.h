/* The one list of status codes, as the library uses it. The list itself is generated from the
 * spec into status_list.h; weft.h gets the same codes as WEFT_*. */
#ifndef WF_BASE_STATUS_H
#define WF_BASE_STATUS_H

#include "base/status_list.h"

enum wf_status {
#define WF_STATUS_ENUM(name, value, text) WF_##name = (value),
    WF_STATUS_LIST(WF_STATUS_ENUM)
#undef WF_STATUS_ENUM
};

/* Never NULL: an unknown code reads as "unknown status". */
const char *wf_status_text(int code);
/* "WEFT_ECANCELED"; an unknown code reads as "WEFT_UNKNOWN". */
const char *wf_status_name(int code);

#endif
