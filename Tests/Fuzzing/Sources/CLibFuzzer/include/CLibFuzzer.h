#ifndef CLIBFUZZER_H
#define CLIBFUZZER_H

#include <stddef.h>
#include <stdint.h>

/// libFuzzer's own mutation, for custom mutators: changes `size` bytes in place and
/// returns the new size, at most `maximum_size`.
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t maximum_size);

#endif
