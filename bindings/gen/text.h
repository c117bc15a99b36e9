/* Reader of protobuf's text format, driven by protobuf-c's descriptors. It remembers the line of
 * every message and field, so that a later complaint can name it. */
#ifndef WF_GEN_TEXT_H
#define WF_GEN_TEXT_H

#include <stddef.h>
#include <protobuf-c/protobuf-c.h>

struct wf_text;

/* Reads a message of type `descriptor` from the file, which messages call `shown`. NULL on error,
 * with "shown:line: what" or "shown: what" in `error`. */
struct wf_text *wf_text_read(const char *path, const char *shown,
                             const ProtobufCMessageDescriptor *descriptor, char *error,
                             size_t error_size);
void wf_text_free(struct wf_text *text);

/* What messages call the file. */
const char *wf_text_path(const struct wf_text *text);
/* Owned by the text. */
const ProtobufCMessage *wf_text_root(const struct wf_text *text);

/* The line where `field` of `message` stands (of a repeated field: its first element), or where the
 * message begins if the field is NULL or absent. */
int wf_text_line(const struct wf_text *text, const void *message, const char *field);

#endif
