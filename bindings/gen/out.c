/* Text that grows, wraps and lands in files. */
#include "out.h"
#include "memory.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void wf_out_clear(struct wf_out *out)
{
    free(out->data);
    *out = (struct wf_out){.data = NULL};
}

void wf_out_print(struct wf_out *out, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    va_list again;
    va_copy(again, arguments);
    int more = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (more >= 0) {
        out->data = wf_memory_grow(out->data, out->length + (size_t)more + 1);
        vsnprintf(out->data + out->length, (size_t)more + 1, format, again);
        out->length += (size_t)more;
    }
    va_end(again);
}

/* Writes a line without the blanks that an empty paragraph line would end with. */
static void print_blank(struct wf_out *out, const char *prefix)
{
    size_t length = strlen(prefix);
    while (length > 0 && prefix[length - 1] == ' ')
        length--;
    wf_out_print(out, "%.*s\n", (int)length, prefix);
}

/* Wraps the words of one line of the source text; returns what follows the line. */
static const char *wrap_line(struct wf_out *out, const char *prefix, const char *rest,
                             const char *text)
{
    int hang = strncmp(text, "* ", 2) == 0 ? 2 : 0;
    size_t column = strlen(prefix);
    bool at_start = true;
    wf_out_print(out, "%s", prefix);
    while (*text != '\0' && *text != '\n') {
        size_t length = strcspn(text, " \n");
        if (!at_start && column + 1 + length > WF_OUT_WIDTH) {
            wf_out_print(out, "\n%s%*s", rest, hang, "");
            column = strlen(rest) + (size_t)hang;
            at_start = true;
        }
        wf_out_print(out, "%s%.*s", at_start ? "" : " ", (int)length, text);
        column += length + (at_start ? 0 : 1);
        at_start = false;
        text += length;
        text += strspn(text, " ");
    }
    wf_out_print(out, "\n");
    return text;
}

void wf_out_wrap(struct wf_out *out, const char *first, const char *rest, const char *text)
{
    const char *prefix = first;
    while (*text != '\0') {
        if (*text == '\n')
            print_blank(out, prefix);
        else
            text = wrap_line(out, prefix, rest, text);
        if (*text == '\n')
            text++;
        prefix = rest;
    }
}

bool wf_out_matches(const struct wf_out *out, const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return false;
    char *content = wf_memory_alloc(out->length + 1);
    /* One byte more than ours shows a file that goes on. */
    size_t length = fread(content, 1, out->length + 1, file);
    bool same = length == out->length && memcmp(content, out->data, length) == 0;
    free(content);
    fclose(file);
    return same;
}

static bool make_directories(const char *path)
{
    size_t length = strlen(path);
    char *copy = wf_memory_alloc(length + 1);
    memcpy(copy, path, length);
    bool ok = true;
    for (char *slash = strchr(copy + 1, '/'); ok && slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        ok = mkdir(copy, 0777) == 0 || errno == EEXIST;
        *slash = '/';
    }
    free(copy);
    return ok;
}

bool wf_out_write(const struct wf_out *out, const char *path)
{
    if (wf_out_matches(out, path))
        return true;
    if (!make_directories(path))
        return false;
    FILE *file = fopen(path, "wb");
    if (file == NULL)
        return false;
    bool ok = fwrite(out->data, 1, out->length, file) == out->length;
    return fclose(file) == 0 && ok;
}
