// What ThreadSanitizer must know of libraries that were not built with it. Linked into every program of the tsan preset, so
// that a decoder, which starts with an empty environment, knows it too.
extern "C" const char* __tsan_default_options();
extern "C" const char* __tsan_default_suppressions();

// Memory that gRPC, abseil and others touch through memmove and the like, called from themselves, is ordered by locks and
// atomics of theirs that are not seen. Calls from our code are still looked at, and so is every access of it; locks,
// threads and file descriptors of those libraries still order things.
extern "C" const char* __tsan_default_options() { return "ignore_noninstrumented_modules=1"; }

// OpenBLAS hands work to its own threads by spinning on flags; its kernels call back through frames of ours.
extern "C" const char* __tsan_default_suppressions() { return "race:libopenblas\n"; }
