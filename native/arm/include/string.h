/* What the decoder asks of a C library, for a build without one. */
#ifndef MDL_ARM_STRING_H
#define MDL_ARM_STRING_H

#include <stddef.h>

void *memcpy(void *to, const void *from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int byte, size_t n);
int memcmp(const void *a, const void *b, size_t n);

#endif
