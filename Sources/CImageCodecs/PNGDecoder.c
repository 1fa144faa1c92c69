#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "Picture.h"

static const char XMP_KEYWORD[] = "XML:com.adobe.xmp";

// Deflate cannot pack more than 1032 bytes into one, so a file claiming more raw bytes
// than that is cut or lying: it is refused before memory is asked for.
static const uint64_t DEFLATE_MAXIMUM_RATIO = 1032;

typedef struct {
    const uint8_t *bytes;
    size_t count;
    size_t offset;

    png_structp png;
    png_infop info;
    png_bytep *rows;
    ImageCodecPicture *picture;

    jmp_buf escape;
    ImageCodecStatus status;
    char *message;
} Decoder;

static void fail(Decoder *decoder, ImageCodecStatus status) {
    decoder->status = status;
    longjmp(decoder->escape, 1);
}

static void fail_out_of_memory(Decoder *decoder) {
    image_codec_set_message(decoder->message, "there is not enough memory");
    fail(decoder, IMAGE_CODEC_OUT_OF_MEMORY);
}

static void handle_error(png_structp png, png_const_charp message) {
    Decoder *decoder = png_get_error_ptr(png);
    image_codec_set_message(decoder->message, "%s", message);
    fail(decoder, IMAGE_CODEC_CORRUPT);
}

static void ignore_warning(png_structp png, png_const_charp message) {
    (void)png;
    (void)message;
}

static void read_bytes(png_structp png, png_bytep destination, size_t count) {
    Decoder *decoder = png_get_io_ptr(png);
    if (count > decoder->count - decoder->offset) {
        png_error(png, "the file ends too early");
    }
    memcpy(destination, decoder->bytes + decoder->offset, count);
    decoder->offset += count;
}

static void keep_bytes(
    Decoder *decoder, ImageCodecBytes *destination, const uint8_t *bytes, size_t count) {
    if (!image_codec_bytes_assign(destination, bytes, count)) {
        fail_out_of_memory(decoder);
    }
}

static void read_texts(Decoder *decoder) {
    ImageCodecMetadata *metadata = &decoder->picture->metadata;
    png_textp texts = NULL;
    int count = 0;
    png_get_text(decoder->png, decoder->info, &texts, &count);
    for (int i = 0; i < count; i++) {
        const png_text *text = &texts[i];
        ImageCodecTextKind kind;
        bool international = false;
        switch (text->compression) {
        case PNG_TEXT_COMPRESSION_zTXt:
            kind = IMAGE_CODEC_TEXT_LATIN1_COMPRESSED;
            break;
        case PNG_ITXT_COMPRESSION_NONE:
            kind = IMAGE_CODEC_TEXT_UTF8;
            international = true;
            break;
        case PNG_ITXT_COMPRESSION_zTXt:
            kind = IMAGE_CODEC_TEXT_UTF8_COMPRESSED;
            international = true;
            break;
        default:
            kind = IMAGE_CODEC_TEXT_LATIN1;
            break;
        }
        if (international && strcmp(text->key, XMP_KEYWORD) == 0) {
            keep_bytes(
                decoder, &metadata->xmp, (const uint8_t *)text->text, text->itxt_length);
        } else if (!image_codec_metadata_add_text(
                       metadata, kind, text->key, international ? text->lang : "",
                       international ? text->lang_key : "", text->text)) {
            fail_out_of_memory(decoder);
        }
    }
}

static void read_metadata(Decoder *decoder) {
    png_structp png = decoder->png;
    png_infop info = decoder->info;
    ImageCodecMetadata *metadata = &decoder->picture->metadata;

    png_charp name = NULL;
    int compression = 0;
    png_bytep profile = NULL;
    png_uint_32 profile_count = 0;
    if (png_get_iCCP(png, info, &name, &compression, &profile, &profile_count) != 0) {
        keep_bytes(decoder, &metadata->icc_profile, profile, profile_count);
    }

    png_uint_32 exif_count = 0;
    png_bytep exif = NULL;
    if (png_get_eXIf_1(png, info, &exif_count, &exif) != 0) {
        keep_bytes(decoder, &metadata->exif, exif, exif_count);
    }

    int unit = 0;
    if (png_get_pHYs(
            png, info, &metadata->resolution_x, &metadata->resolution_y, &unit)
        != 0) {
        metadata->has_resolution = true;
        metadata->resolution_unit =
            unit == PNG_RESOLUTION_METER ? IMAGE_CODEC_UNIT_METRE : IMAGE_CODEC_UNIT_NONE;
    }

    png_fixed_point gamma = 0;
    if (png_get_gAMA_fixed(png, info, &gamma) != 0) {
        metadata->has_gamma = true;
        metadata->gamma = gamma;
    }

    png_fixed_point c[8];
    if (png_get_cHRM_fixed(
            png, info, &c[0], &c[1], &c[2], &c[3], &c[4], &c[5], &c[6], &c[7])
        != 0) {
        metadata->has_chromaticities = true;
        for (int i = 0; i < 8; i++) {
            metadata->chromaticities[i] = c[i];
        }
    }

    int intent = 0;
    if (png_get_sRGB(png, info, &intent) != 0) {
        metadata->has_rendering_intent = true;
        metadata->rendering_intent = intent;
    }

    read_texts(decoder);
}

// libpng wrote 8-bit samples at the front of each 16-bit row: spread them in place, from
// the last to the first so that none is overwritten before it is read.
static void widen_rows(const ImageCodecPicture *picture) {
    size_t row_samples = (size_t)picture->width * picture->channels;
    for (uint32_t y = 0; y < picture->height; y++) {
        uint16_t *wide = picture->samples + y * row_samples;
        const uint8_t *narrow = (const uint8_t *)wide;
        for (size_t i = row_samples; i-- > 0;) {
            wide[i] = narrow[i];
        }
    }
}

static void read_pixels(Decoder *decoder) {
    png_structp png = decoder->png;
    png_infop info = decoder->info;
    ImageCodecPicture *picture = decoder->picture;

    uint32_t width = png_get_image_width(png, info);
    uint32_t height = png_get_image_height(png, info);
    uint64_t packed_row_bytes =
        ((uint64_t)width * png_get_channels(png, info) * png_get_bit_depth(png, info) + 7)
        / 8;

    // The bound is checked before libpng sizes its own row buffers, with the number of
    // channels that expansion will give.
    int color_type = png_get_color_type(png, info);
    uint32_t channels = (color_type & PNG_COLOR_MASK_COLOR) != 0 ? 3 : 1;
    if ((color_type & PNG_COLOR_MASK_ALPHA) != 0
        || png_get_valid(png, info, PNG_INFO_tRNS) != 0) {
        channels += 1;
    }
    ImageCodecStatus status =
        image_codec_check_size(width, height, channels, decoder->message);
    if (status != IMAGE_CODEC_OK) {
        fail(decoder, status);
    }
    if (packed_row_bytes * height / DEFLATE_MAXIMUM_RATIO > decoder->count) {
        png_error(png, "the file is too short for the size it claims");
    }

    // Palette to RGB, 1, 2 and 4 bit gray to 8 bits, tRNS to alpha.
    png_set_expand(png);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    png_set_swap(png);
#endif
    png_set_interlace_handling(png);
    png_read_update_info(png, info);

    size_t row_samples = (size_t)width * channels;
    uint32_t bit_depth = png_get_bit_depth(png, info);
    if (png_get_channels(png, info) != channels
        || png_get_rowbytes(png, info) > row_samples * sizeof(uint16_t)) {
        png_error(png, "the pixel layout is inconsistent");
    }

    picture->samples = malloc(row_samples * height * sizeof(uint16_t));
    decoder->rows = malloc(height * sizeof(png_bytep));
    if (picture->samples == NULL || decoder->rows == NULL) {
        fail_out_of_memory(decoder);
    }
    for (uint32_t y = 0; y < height; y++) {
        decoder->rows[y] = (png_bytep)(picture->samples + y * row_samples);
    }
    picture->width = width;
    picture->height = height;
    picture->channels = channels;
    picture->bit_depth = bit_depth;

    png_read_image(png, decoder->rows);
    png_read_end(png, info);
    if (bit_depth == 8) {
        widen_rows(picture);
    }
}

// The only function that setjmp returns into: all it changes lives in its caller, so no
// local value is lost when an error jumps back.
static void decode(Decoder *decoder) {
    if (setjmp(decoder->escape) != 0) {
        return;
    }
    decoder->png = png_create_read_struct(
        PNG_LIBPNG_VER_STRING, decoder, handle_error, ignore_warning);
    if (decoder->png == NULL) {
        fail_out_of_memory(decoder);
    }
    decoder->info = png_create_info_struct(decoder->png);
    if (decoder->info == NULL) {
        fail_out_of_memory(decoder);
    }
    png_set_read_fn(decoder->png, decoder, read_bytes);
    // Our own bound has the clearer message.
    png_set_user_limits(decoder->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_crc_action(decoder->png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);

    png_read_info(decoder->png, decoder->info);
    read_pixels(decoder);
    read_metadata(decoder);
    decoder->status = IMAGE_CODEC_OK;
}

ImageCodecStatus image_codec_png_decode(
    const uint8_t *bytes, size_t count, ImageCodecPicture *picture,
    char message[IMAGE_CODEC_MESSAGE_SIZE]) {
    Decoder decoder = {
        .bytes = bytes,
        .count = count,
        .picture = picture,
        .status = IMAGE_CODEC_CORRUPT,
        .message = message,
    };
    message[0] = '\0';
    decode(&decoder);
    png_destroy_read_struct(&decoder.png, &decoder.info, NULL);
    free(decoder.rows);
    if (decoder.status != IMAGE_CODEC_OK) {
        image_codec_picture_clear(picture);
    }
    return decoder.status;
}
