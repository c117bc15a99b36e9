/* A user's whole program: the header it compiled with and the library it runs with agree. */
#include <weft.h>

#include <stdio.h>

int main(void)
{
    unsigned major = weft_version() >> 16;
    unsigned minor = weft_version() >> 8 & 255;

    printf("weft %u.%u\n", major, minor);
    return major == WEFT_VERSION_MAJOR && minor == WEFT_VERSION_MINOR ? 0 : 1;
}
