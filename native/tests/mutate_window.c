/* Lies to the decoder of window streams: see lies.h. */
#include "../delta/window.h"

typedef mdl_window_io io_of_coder;
#define PROGRAM "mutate_window"
#define CODER(verb) mdl_window_##verb
#define HEAD_OF(stream, bytes) 8u
#define IO(w, new_bytes) {&w, read_old, read_patch, read_new, w.old.bytes, w.patch.bytes, new_bytes}
#define READS_BACK

#include "lies.h"
