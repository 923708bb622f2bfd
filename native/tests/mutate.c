/* Lies to the decoder of mapped streams: see lies.h. */
#include "../delta/mdl_delta.h"

typedef mdl_io io_of_coder;
#define PROGRAM "mutate"
#define CODER(verb) mdl_delta_##verb
#define HEAD_OF(stream, bytes) ((bytes) > 21 ? 24 + 8u * (stream)[21] : (bytes))
#define IO(w, new_bytes) {&w, read_old, read_patch, w.old.bytes, w.patch.bytes, new_bytes}

#include "lies.h"
