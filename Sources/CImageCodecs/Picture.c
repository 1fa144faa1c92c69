#include "Picture.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool image_codec_memory_is_available(size_t count) {
    // Volatile, since compilers know that memory not used need not be asked for.
    void *volatile memory = malloc(count);
    bool is_available = memory != NULL;
    free(memory);
    return is_available;
}

void image_codec_bytes_clear(ImageCodecBytes *bytes) {
    if (bytes == NULL) {
        return;
    }
    free(bytes->bytes);
    *bytes = (ImageCodecBytes){0};
}

bool image_codec_bytes_assign(
    ImageCodecBytes *destination, const uint8_t *bytes, size_t count) {
    uint8_t *copy = NULL;
    if (count > 0) {
        copy = malloc(count);
        if (copy == NULL) {
            return false;
        }
        memcpy(copy, bytes, count);
    }
    free(destination->bytes);
    destination->bytes = copy;
    destination->count = count;
    return true;
}

static void clear_text(ImageCodecText *text) {
    free(text->keyword);
    free(text->language);
    free(text->translated_keyword);
    free(text->text);
    *text = (ImageCodecText){0};
}

void image_codec_metadata_clear(ImageCodecMetadata *metadata) {
    if (metadata == NULL) {
        return;
    }
    image_codec_bytes_clear(&metadata->icc_profile);
    image_codec_bytes_clear(&metadata->exif);
    image_codec_bytes_clear(&metadata->xmp);
    for (size_t i = 0; i < metadata->text_count; i++) {
        clear_text(&metadata->texts[i]);
    }
    free(metadata->texts);
    *metadata = (ImageCodecMetadata){0};
}

static char *copy_string(const char *string) {
    return strdup(string == NULL ? "" : string);
}

bool image_codec_metadata_add_text(
    ImageCodecMetadata *metadata, ImageCodecTextKind kind, const char *keyword,
    const char *language, const char *translated_keyword, const char *text) {
    ImageCodecText *texts =
        realloc(metadata->texts, (metadata->text_count + 1) * sizeof(ImageCodecText));
    if (texts == NULL) {
        return false;
    }
    metadata->texts = texts;
    ImageCodecText entry = {
        .kind = kind,
        .keyword = copy_string(keyword),
        .language = copy_string(language),
        .translated_keyword = copy_string(translated_keyword),
        .text = copy_string(text),
    };
    if (entry.keyword == NULL || entry.language == NULL
        || entry.translated_keyword == NULL || entry.text == NULL) {
        clear_text(&entry);
        return false;
    }
    metadata->texts[metadata->text_count++] = entry;
    return true;
}

void image_codec_set_message(
    char message[IMAGE_CODEC_MESSAGE_SIZE], const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, IMAGE_CODEC_MESSAGE_SIZE, format, arguments);
    va_end(arguments);
}

ImageCodecStatus image_codec_check_size(
    uint64_t width, uint64_t height, uint64_t channels, uint64_t maximum_pixels,
    char message[IMAGE_CODEC_MESSAGE_SIZE]) {
    if (width == 0 || height == 0) {
        image_codec_set_message(message, "the picture has no pixels");
        return IMAGE_CODEC_CORRUPT;
    }
    // Both sides are below 2^32 and there are at most four channels, but the product of
    // all three may pass 2^64: divide instead of multiplying.
    if (width > maximum_pixels / height) {
        image_codec_set_message(
            message, "%llu x %llu pixels are more than the limit of %llu pixels",
            (unsigned long long)width, (unsigned long long)height,
            (unsigned long long)maximum_pixels);
        return IMAGE_CODEC_TOO_LARGE;
    }
    if (width * channels > IMAGE_CODEC_MAXIMUM_SAMPLES / height) {
        image_codec_set_message(
            message, "%llu x %llu pixels are more than can be handled (2^31 samples)",
            (unsigned long long)width, (unsigned long long)height);
        return IMAGE_CODEC_TOO_LARGE;
    }
    return IMAGE_CODEC_OK;
}

ImageCodecStatus image_codec_check_picture(
    const ImageCodecPicture *picture, char message[IMAGE_CODEC_MESSAGE_SIZE]) {
    if (picture->samples == NULL || picture->channels < 1 || picture->channels > 4
        || (picture->bit_depth != 8 && picture->bit_depth != 16)) {
        image_codec_set_message(
            message, "%u channels of %u bits cannot be encoded",
            (unsigned)picture->channels, (unsigned)picture->bit_depth);
        return IMAGE_CODEC_INVALID_ARGUMENT;
    }
    return image_codec_check_size(
        picture->width, picture->height, picture->channels, UINT64_MAX, message);
}
