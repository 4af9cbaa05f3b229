// What libFuzzer calls, and the replay test.
#ifndef MIXMATCH_TESTS_FUZZ_TARGET_H_
#define MIXMATCH_TESTS_FUZZ_TARGET_H_

#include <cstddef>
#include <cstdint>

// Returns 0; anything wrong ends the process.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

#endif  // MIXMATCH_TESTS_FUZZ_TARGET_H_
