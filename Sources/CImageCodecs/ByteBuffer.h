#ifndef BYTE_BUFFER_H
#define BYTE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// A growing run of bytes that an encoder writes into.
typedef struct {
    uint8_t *bytes;
    size_t count;
    size_t capacity;
} ByteBuffer;

/// Appends bytes; false, with the buffer unchanged, when memory is out.
bool byte_buffer_append(ByteBuffer *buffer, const uint8_t *bytes, size_t count);

/// Makes room for `extra` more bytes; false when memory is out.
bool byte_buffer_reserve(ByteBuffer *buffer, size_t extra);

/// Frees the bytes and empties the buffer.
void byte_buffer_clear(ByteBuffer *buffer);

#endif
