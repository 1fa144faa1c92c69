#include "PNGTextReader.h"

#include <string.h>
#include <zlib.h>

#include "ByteBuffer.h"
#include "PNGKeywords.h"

static const size_t MAXIMUM_KEYWORD = 79;

static bool is_chunk(const uint8_t name[4], const char *wanted) {
    return memcmp(name, wanted, 4) == 0;
}

bool png_text_is_text(const uint8_t name[4]) {
    return is_chunk(name, "tEXt") || is_chunk(name, "zTXt") || is_chunk(name, "iTXt");
}

/// The rest of a chunk.
typedef struct {
    const uint8_t *bytes;
    size_t count;
} Rest;

static const char *take_string(Rest *rest) {
    // An empty chunk has no bytes at all, not even a pointer to them.
    const uint8_t *end = rest->count == 0 ? NULL : memchr(rest->bytes, 0, rest->count);
    if (end == NULL) {
        return NULL;
    }
    const char *string = (const char *)rest->bytes;
    rest->count -= (size_t)(end - rest->bytes) + 1;
    rest->bytes = end + 1;
    return string;
}

static int take_byte(Rest *rest) {
    if (rest->count == 0) {
        return -1;
    }
    rest->count -= 1;
    return *rest->bytes++;
}

// Unpacks a zlib stream, of which at most `maximum` bytes are wanted.
static PNGTextResult unpack(Rest packed, size_t maximum, ByteBuffer *text) {
    z_stream stream = {0};
    if (inflateInit(&stream) != Z_OK) {
        return PNG_TEXT_OUT_OF_MEMORY;
    }
    // A chunk holds less than 2^31 bytes, and zlib only reads its input.
    stream.next_in = (Bytef *)(uintptr_t)packed.bytes;
    stream.avail_in = (uInt)packed.count;
    PNGTextResult result = PNG_TEXT_TAKEN;
    int status = Z_OK;
    while (result == PNG_TEXT_TAKEN && status == Z_OK) {
        uint8_t step[4096];
        stream.next_out = step;
        stream.avail_out = sizeof(step);
        status = inflate(&stream, Z_NO_FLUSH);
        size_t produced = sizeof(step) - stream.avail_out;
        if (status != Z_OK && status != Z_STREAM_END) {
            result = status == Z_MEM_ERROR ? PNG_TEXT_OUT_OF_MEMORY : PNG_TEXT_MALFORMED;
        } else if (produced > maximum - text->count) {
            result = PNG_TEXT_TOO_LARGE;
        } else if (!byte_buffer_append(text, step, produced)) {
            result = PNG_TEXT_OUT_OF_MEMORY;
        }
    }
    inflateEnd(&stream);
    return result;
}

static PNGTextResult add(
    PNGTextReader *reader, ImageCodecTextKind kind, const char *keyword,
    const char *language, const char *translated_keyword, ByteBuffer *text) {
    bool is_utf8 =
        kind == IMAGE_CODEC_TEXT_UTF8 || kind == IMAGE_CODEC_TEXT_UTF8_COMPRESSED;
    if (is_utf8 && strcmp(keyword, PNG_XMP_KEYWORD) == 0) {
        return image_codec_bytes_assign(&reader->metadata->xmp, text->bytes, text->count)
            ? PNG_TEXT_TAKEN
            : PNG_TEXT_OUT_OF_MEMORY;
    }
    if (reader->metadata->text_count >= IMAGE_CODEC_MAXIMUM_TEXTS) {
        return PNG_TEXT_TOO_LARGE;
    }
    static const uint8_t end = 0;
    return byte_buffer_append(text, &end, 1)
            && image_codec_metadata_add_text(
                reader->metadata, kind, keyword, language, translated_keyword,
                (const char *)text->bytes)
        ? PNG_TEXT_TAKEN
        : PNG_TEXT_OUT_OF_MEMORY;
}

static PNGTextResult parse(
    PNGTextReader *reader, const uint8_t name[4], Rest rest, ByteBuffer *text) {
    const char *keyword = take_string(&rest);
    if (keyword == NULL || keyword[0] == '\0' || strlen(keyword) > MAXIMUM_KEYWORD) {
        return PNG_TEXT_MALFORMED;
    }
    bool is_international = is_chunk(name, "iTXt");
    bool is_compressed = is_chunk(name, "zTXt");
    const char *language = "";
    const char *translated_keyword = "";
    if (is_international) {
        int flag = take_byte(&rest);
        if (flag != 0 && flag != 1) {
            return PNG_TEXT_MALFORMED;
        }
        is_compressed = flag == 1;
    }
    if ((is_compressed || is_international) && take_byte(&rest) != 0 && is_compressed) {
        return PNG_TEXT_MALFORMED;
    }
    if (is_international) {
        language = take_string(&rest);
        translated_keyword = language == NULL ? NULL : take_string(&rest);
        if (translated_keyword == NULL) {
            return PNG_TEXT_MALFORMED;
        }
    }
    PNGTextResult result = PNG_TEXT_TAKEN;
    if (is_compressed) {
        result = unpack(rest, reader->bytes_left, text);
    } else if (!byte_buffer_append(text, rest.bytes, rest.count)) {
        result = PNG_TEXT_OUT_OF_MEMORY;
    }
    if (result != PNG_TEXT_TAKEN) {
        return result;
    }
    ImageCodecTextKind kind = is_international ? IMAGE_CODEC_TEXT_UTF8
                                               : IMAGE_CODEC_TEXT_LATIN1;
    if (is_compressed) {
        kind = is_international ? IMAGE_CODEC_TEXT_UTF8_COMPRESSED
                                : IMAGE_CODEC_TEXT_LATIN1_COMPRESSED;
    }
    return add(reader, kind, keyword, language, translated_keyword, text);
}

PNGTextResult png_text_read(
    PNGTextReader *reader, const uint8_t name[4], const uint8_t *data, size_t count) {
    if (count > reader->bytes_left) {
        reader->bytes_left = 0;
        return PNG_TEXT_TOO_LARGE;
    }
    reader->bytes_left -= count;
    ByteBuffer text = {0};
    PNGTextResult result = parse(reader, name, (Rest){data, count}, &text);
    size_t growth = text.count > count ? text.count - count : 0;
    if (result == PNG_TEXT_TOO_LARGE || growth > reader->bytes_left) {
        reader->bytes_left = 0;
    } else {
        reader->bytes_left -= growth;
    }
    byte_buffer_clear(&text);
    return result;
}
