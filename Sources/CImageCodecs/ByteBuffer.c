#include "ByteBuffer.h"

#include <stdlib.h>
#include <string.h>

bool byte_buffer_reserve(ByteBuffer *buffer, size_t extra) {
    if (extra > SIZE_MAX / 2 - buffer->count) {
        return false;
    }
    size_t needed = buffer->count + extra;
    if (needed <= buffer->capacity) {
        return true;
    }
    size_t capacity = buffer->capacity < 4096 ? 4096 : buffer->capacity * 2;
    if (capacity < needed) {
        capacity = needed;
    }
    uint8_t *grown = realloc(buffer->bytes, capacity);
    if (grown == NULL) {
        return false;
    }
    buffer->bytes = grown;
    buffer->capacity = capacity;
    return true;
}

bool byte_buffer_append(ByteBuffer *buffer, const uint8_t *bytes, size_t count) {
    if (count == 0) {
        return true;
    }
    if (!byte_buffer_reserve(buffer, count)) {
        return false;
    }
    memcpy(buffer->bytes + buffer->count, bytes, count);
    buffer->count += count;
    return true;
}

void byte_buffer_clear(ByteBuffer *buffer) {
    free(buffer->bytes);
    *buffer = (ByteBuffer){0};
}
