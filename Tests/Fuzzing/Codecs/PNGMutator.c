// Changes PNG files chunk by chunk and repairs lengths and CRCs, since a blind change
// hardly ever gets past the first CRC. One change in eight is left without repair.

#include <string.h>
#include <zlib.h>

#include "CLibFuzzer.h"
#include "PNGChunks.h"

#define MAXIMUM_CHUNKS 64
#define BUFFER_SIZE ((size_t)1 << 16)

typedef struct {
    uint8_t *bytes;
    size_t count;
    size_t capacity;
    uint32_t random;
    size_t chunks[MAXIMUM_CHUNKS];  // offsets
    size_t chunk_count;
} File;

// Marsaglia's xorshift; the state must not be 0.
static uint32_t next_random(File *file, uint32_t bound) {
    file->random ^= file->random << 13;
    file->random ^= file->random >> 17;
    file->random ^= file->random << 5;
    return file->random % bound;
}

// The bytes of data that follow the chunk's type; a length beyond the file is cut.
static size_t data_count(const File *file, size_t chunk) {
    size_t rest = file->count - chunk - PNG_CHUNK_OVERHEAD;
    uint32_t claimed = png_number(file->bytes + chunk);
    return claimed < rest ? claimed : rest;
}

static void find_chunks(File *file) {
    file->chunk_count = 0;
    size_t chunk = PNG_FIRST_CHUNK;
    while (file->chunk_count < MAXIMUM_CHUNKS && chunk + PNG_CHUNK_OVERHEAD <= file->count) {
        file->chunks[file->chunk_count++] = chunk;
        chunk += data_count(file, chunk) + PNG_CHUNK_OVERHEAD;
    }
}

static void repair(File *file) {
    find_chunks(file);
    for (size_t i = 0; i < file->chunk_count; i++) {
        uint8_t *chunk = file->bytes + file->chunks[i];
        size_t count = data_count(file, file->chunks[i]);
        png_put_number(chunk, (uint32_t)count);
        png_put_number(chunk + 8 + count, (uint32_t)crc32(0, chunk + 4, (uInt)(count + 4)));
    }
}

// Replaces a run of bytes; does nothing where the file would become too long.
static bool replace(
    File *file, size_t offset, size_t old_count, const uint8_t *bytes, size_t count) {
    if (file->count - old_count + count > file->capacity) {
        return false;
    }
    memmove(
        file->bytes + offset + count, file->bytes + offset + old_count,
        file->count - offset - old_count);
    if (count > 0) {
        memcpy(file->bytes + offset, bytes, count);
    }
    file->count = file->count - old_count + count;
    return true;
}

static void replace_data(
    File *file, size_t chunk, size_t start, const uint8_t *bytes, size_t count) {
    size_t old_count = data_count(file, chunk);
    if (replace(file, chunk + 8 + start, old_count - start, bytes, count)) {
        png_put_number(file->bytes + chunk, (uint32_t)(start + count));
    }
}

static void mutate_data(File *file, size_t chunk) {
    static uint8_t buffer[BUFFER_SIZE];
    size_t count = data_count(file, chunk);
    if (count > BUFFER_SIZE / 2) {
        return;
    }
    memcpy(buffer, file->bytes + chunk + 8, count);
    size_t room = file->capacity - file->count + count;
    count = LLVMFuzzerMutate(buffer, count, room < BUFFER_SIZE ? room : BUFFER_SIZE);
    replace_data(file, chunk, 0, buffer, count);
}

// Where the compressed part of a chunk starts: after the keyword and what follows it.
static size_t compressed_start(const uint8_t *chunk, size_t count) {
    if (memcmp(chunk + 4, "IDAT", 4) == 0) {
        return 0;
    }
    const uint8_t *end = memchr(chunk + 8, 0, count);
    if (end == NULL) {
        return count;
    }
    size_t start = (size_t)(end - chunk - 8) + 2;
    return start < count ? start : count;
}

// Changes what a chunk holds compressed: filters and samples, text, a profile.
static void mutate_compressed(File *file, size_t chunk) {
    static uint8_t plain[BUFFER_SIZE];
    static uint8_t packed[BUFFER_SIZE + 1024];
    size_t start = compressed_start(file->bytes + chunk, data_count(file, chunk));
    uLongf count = BUFFER_SIZE;
    int status = uncompress(
        plain, &count, file->bytes + chunk + 8 + start,
        (uLong)(data_count(file, chunk) - start));
    // What was unpacked before the damage or the end of the buffer will do.
    if ((status != Z_OK && status != Z_BUF_ERROR) || count == 0) {
        return;
    }
    count = LLVMFuzzerMutate(plain, count, BUFFER_SIZE);
    uLongf packed_count = sizeof(packed);
    if (compress2(packed, &packed_count, plain, count, 1) == Z_OK) {
        replace_data(file, chunk, start, packed, packed_count);
    }
}

static void duplicate(File *file, size_t chunk) {
    static uint8_t buffer[BUFFER_SIZE];
    size_t count = data_count(file, chunk) + PNG_CHUNK_OVERHEAD;
    if (count <= BUFFER_SIZE) {
        memcpy(buffer, file->bytes + chunk, count);
        size_t place = file->chunks[next_random(file, (uint32_t)file->chunk_count)];
        replace(file, place, 0, buffer, count);
    }
}

// Cuts the data of a chunk in two chunks of the same type, as IDAT may be.
static void split(File *file, size_t chunk) {
    size_t count = data_count(file, chunk);
    uint8_t boundary[PNG_CHUNK_OVERHEAD] = {0};
    size_t first = next_random(file, (uint32_t)count + 1);
    png_put_number(boundary + 4, (uint32_t)(count - first));
    memcpy(boundary + 8, file->bytes + chunk + 4, 4);
    if (replace(file, chunk + 8 + first, 0, boundary, sizeof(boundary))) {
        png_put_number(file->bytes + chunk, (uint32_t)first);
    }
}

static void mutate_chunk(File *file) {
    size_t chunk = file->chunks[next_random(file, (uint32_t)file->chunk_count)];
    switch (next_random(file, 12)) {
    case 0:
        duplicate(file, chunk);
        break;
    case 1:
        replace(file, chunk, data_count(file, chunk) + PNG_CHUNK_OVERHEAD, NULL, 0);
        break;
    case 2:
        LLVMFuzzerMutate(file->bytes + chunk + 4, 4, 4);
        break;
    case 3:
        split(file, chunk);
        break;
    case 4:
    case 5:
    case 6:
        mutate_compressed(file, chunk);
        break;
    default:
        mutate_data(file, chunk);
        break;
    }
}

size_t LLVMFuzzerCustomMutator(
    uint8_t *bytes, size_t count, size_t capacity, unsigned int seed) {
    File file = {
        .bytes = bytes, .count = count, .capacity = capacity, .random = seed | 1};
    find_chunks(&file);
    bool blind = file.chunk_count == 0 || next_random(&file, 8) == 0;
    if (blind) {
        file.count = LLVMFuzzerMutate(bytes, count, capacity);
    } else {
        mutate_chunk(&file);
    }
    if (!blind || next_random(&file, 2) == 0) {
        repair(&file);
    }
    return file.count;
}
