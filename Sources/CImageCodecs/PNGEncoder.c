#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "ByteBuffer.h"
#include "PNGKeywords.h"
#include "Picture.h"

// What a trial packs: bands of rows spread over the picture, which must be much taller.
static const uint32_t TRIAL_BANDS = 8;
static const uint32_t TRIAL_BAND_ROWS = 8;
static const uint32_t TRIAL_MINIMUM_HEIGHT = 256;

/// How the rows are packed.
typedef struct {
    int level;
    int strategy;
} Packing;

typedef struct {
    const ImageCodecPicture *picture;
    png_structp png;
    png_infop info;
    uint8_t *row;
    png_text *texts;
    ByteBuffer output;

    jmp_buf escape;
    ImageCodecStatus status;
    char *message;
} Encoder;

static void fail_out_of_memory(Encoder *encoder) {
    image_codec_set_message(encoder->message, "there is not enough memory");
    encoder->status = IMAGE_CODEC_OUT_OF_MEMORY;
    longjmp(encoder->escape, 1);
}

static void handle_error(png_structp png, png_const_charp message) {
    Encoder *encoder = png_get_error_ptr(png);
    image_codec_set_message(encoder->message, "%s", message);
    encoder->status = IMAGE_CODEC_INVALID_ARGUMENT;
    longjmp(encoder->escape, 1);
}

static void ignore_warning(png_structp png, png_const_charp message) {
    (void)png;
    (void)message;
}

static void write_bytes(png_structp png, png_bytep bytes, size_t count) {
    Encoder *encoder = png_get_io_ptr(png);
    if (!byte_buffer_append(&encoder->output, bytes, count)) {
        fail_out_of_memory(encoder);
    }
}

static void flush_nothing(png_structp png) {
    (void)png;
}

// Whether libpng would find a keyword in it: it drops what Latin-1 does not print, and spaces at
// both ends, and refuses the whole file when nothing is left.
static bool is_keyword(const char *text) {
    for (const uint8_t *c = (const uint8_t *)text; *c != 0; c++) {
        if ((*c > 32 && *c <= 126) || *c >= 161) {
            return true;
        }
    }
    return false;
}

static void set_texts(Encoder *encoder) {
    const ImageCodecMetadata *metadata = &encoder->picture->metadata;
    size_t count = metadata->text_count + (metadata->xmp.count > 0 ? 1 : 0);
    if (count == 0) {
        return;
    }
    // One more byte than the packet, for the zero libpng wants at the end of a text.
    encoder->texts = calloc(1, count * sizeof(png_text) + metadata->xmp.count + 1);
    if (encoder->texts == NULL) {
        fail_out_of_memory(encoder);
    }
    size_t kept = 0;
    for (size_t i = 0; i < metadata->text_count; i++) {
        const ImageCodecText *source = &metadata->texts[i];
        if (!is_keyword(source->keyword)) {
            continue;
        }
        png_text *text = &encoder->texts[kept++];
        switch (source->kind) {
        case IMAGE_CODEC_TEXT_LATIN1_COMPRESSED:
            text->compression = PNG_TEXT_COMPRESSION_zTXt;
            break;
        case IMAGE_CODEC_TEXT_UTF8:
            text->compression = PNG_ITXT_COMPRESSION_NONE;
            break;
        case IMAGE_CODEC_TEXT_UTF8_COMPRESSED:
            text->compression = PNG_ITXT_COMPRESSION_zTXt;
            break;
        default:
            text->compression = PNG_TEXT_COMPRESSION_NONE;
            break;
        }
        text->key = source->keyword;
        text->lang = source->language;
        text->lang_key = source->translated_keyword;
        text->text = source->text;
        text->text_length = strlen(source->text);
    }
    if (metadata->xmp.count > 0) {
        static char keyword[] = PNG_XMP_KEYWORD;
        static char empty[] = "";
        char *packet = (char *)(encoder->texts + count);
        memcpy(packet, metadata->xmp.bytes, metadata->xmp.count);
        png_text *text = &encoder->texts[kept++];
        text->compression = PNG_ITXT_COMPRESSION_NONE;
        text->key = keyword;
        text->lang = empty;
        text->lang_key = empty;
        text->text = packet;
        text->itxt_length = strlen(packet);
    }
    png_set_text(encoder->png, encoder->info, encoder->texts, (int)kept);
}

static void set_code_points(Encoder *encoder) {
    const ImageCodecMetadata *metadata = &encoder->picture->metadata;
    png_unknown_chunk chunk = {
        .name = PNG_CICP_NAME,
        .size = sizeof(metadata->code_points),
        .location = PNG_HAVE_IHDR,
    };
    uint8_t data[sizeof(metadata->code_points)];
    memcpy(data, metadata->code_points, sizeof(data));
    chunk.data = data;
    png_set_keep_unknown_chunks(encoder->png, PNG_HANDLE_CHUNK_ALWAYS, chunk.name, 1);
    png_set_unknown_chunks(encoder->png, encoder->info, &chunk, 1);
}

static void set_metadata(Encoder *encoder) {
    png_structp png = encoder->png;
    png_infop info = encoder->info;
    const ImageCodecMetadata *metadata = &encoder->picture->metadata;

    if (metadata->icc_profile.count > 0) {
        png_set_iCCP(
            png, info, "ICC profile", PNG_COMPRESSION_TYPE_BASE,
            metadata->icc_profile.bytes, (png_uint_32)metadata->icc_profile.count);
    }
    // After a profile libpng would still write these, but the PNG standard allows only
    // one of iCCP and sRGB.
    if (metadata->has_rendering_intent && metadata->icc_profile.count == 0) {
        png_set_sRGB(png, info, metadata->rendering_intent);
    }
    if (metadata->has_gamma) {
        png_set_gAMA_fixed(png, info, metadata->gamma);
    }
    if (metadata->has_chromaticities) {
        const int32_t *c = metadata->chromaticities;
        png_set_cHRM_fixed(png, info, c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7]);
    }
    if (metadata->has_code_points) {
        set_code_points(encoder);
    }
    if (metadata->exif.count > 0) {
        png_set_eXIf_1(
            png, info, (png_uint_32)metadata->exif.count, metadata->exif.bytes);
    }
    if (metadata->has_resolution) {
        int unit = metadata->resolution_unit == IMAGE_CODEC_UNIT_METRE
            ? PNG_RESOLUTION_METER
            : PNG_RESOLUTION_UNKNOWN;
        png_set_pHYs(png, info, metadata->resolution_x, metadata->resolution_y, unit);
    }
    set_texts(encoder);
}

static void write_rows(Encoder *encoder) {
    const ImageCodecPicture *picture = encoder->picture;
    size_t row_samples = (size_t)picture->width * picture->channels;
    size_t bytes_per_sample = picture->bit_depth / 8;
    encoder->row = malloc(row_samples * bytes_per_sample);
    if (encoder->row == NULL) {
        fail_out_of_memory(encoder);
    }
    for (uint32_t y = 0; y < picture->height; y++) {
        const uint16_t *samples = picture->samples + y * row_samples;
        if (bytes_per_sample == 1) {
            for (size_t i = 0; i < row_samples; i++) {
                encoder->row[i] = samples[i] > 255 ? 255 : (uint8_t)samples[i];
            }
        } else {
            for (size_t i = 0; i < row_samples; i++) {
                encoder->row[2 * i] = (uint8_t)(samples[i] >> 8);
                encoder->row[2 * i + 1] = (uint8_t)samples[i];
            }
        }
        png_write_row(encoder->png, encoder->row);
    }
}

// The only function that setjmp returns into; see the decoder.
static void encode(Encoder *encoder, Packing packing) {
    if (setjmp(encoder->escape) != 0) {
        return;
    }
    static const int color_types[] = {
        PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB,
        PNG_COLOR_TYPE_RGB_ALPHA};
    const ImageCodecPicture *picture = encoder->picture;

    encoder->png = png_create_write_struct(
        PNG_LIBPNG_VER_STRING, encoder, handle_error, ignore_warning);
    if (encoder->png == NULL) {
        fail_out_of_memory(encoder);
    }
    encoder->info = png_create_info_struct(encoder->png);
    if (encoder->info == NULL) {
        fail_out_of_memory(encoder);
    }
    png_set_write_fn(encoder->png, encoder, write_bytes, flush_nothing);
    png_set_user_limits(encoder->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    // Bad metadata shall not cost the picture: libpng then leaves the chunk out.
    png_set_benign_errors(encoder->png, 1);
    png_set_compression_level(encoder->png, packing.level);
    png_set_compression_strategy(encoder->png, packing.strategy);
    png_set_chunk_malloc_max(encoder->png, 0);

    png_set_IHDR(
        encoder->png, encoder->info, picture->width, picture->height,
        (int)picture->bit_depth, color_types[picture->channels - 1], PNG_INTERLACE_NONE,
        PNG_COMPRESSION_TYPE_BASE, PNG_FILTER_TYPE_BASE);
    set_metadata(encoder);
    png_write_info(encoder->png, encoder->info);
    write_rows(encoder);
    png_write_end(encoder->png, encoder->info);
    encoder->status = IMAGE_CODEC_OK;
}

static ImageCodecStatus pack(
    const ImageCodecPicture *picture, Packing packing, ByteBuffer *output, char *message) {
    Encoder encoder = {
        .picture = picture,
        .status = IMAGE_CODEC_INVALID_ARGUMENT,
        .message = message,
    };
    encode(&encoder, packing);
    png_destroy_write_struct(&encoder.png, &encoder.info);
    free(encoder.row);
    free(encoder.texts);
    if (encoder.status == IMAGE_CODEC_OK) {
        *output = encoder.output;
    } else {
        byte_buffer_clear(&encoder.output);
    }
    return encoder.status;
}

static size_t packed_size(const ImageCodecPicture *picture, Packing packing) {
    char message[IMAGE_CODEC_MESSAGE_SIZE];
    ByteBuffer output = {0};
    pack(picture, packing, &output, message);
    size_t size = output.count;
    byte_buffer_clear(&output);
    return size;
}

// The filtered rows of a photograph repeat hardly anything but single bytes, and looking for
// those alone (Z_RLE) is many times faster and costs next to nothing; drawings and text want
// the full search. A few rows tell which it is: 5 % is what the speed may cost.
static int choose_strategy(const ImageCodecPicture *picture, int level) {
    if (level < 2 || level > 8 || picture->height < TRIAL_MINIMUM_HEIGHT) {
        return Z_FILTERED;
    }
    size_t band_samples = (size_t)picture->width * picture->channels * TRIAL_BAND_ROWS;
    ImageCodecPicture trial = {
        .width = picture->width,
        .height = TRIAL_BANDS * TRIAL_BAND_ROWS,
        .channels = picture->channels,
        .bit_depth = picture->bit_depth,
        .samples = malloc(band_samples * TRIAL_BANDS * sizeof(uint16_t)),
    };
    if (trial.samples == NULL) {
        return Z_FILTERED;
    }
    for (uint32_t band = 0; band < TRIAL_BANDS; band++) {
        size_t row = (size_t)(picture->height - TRIAL_BAND_ROWS) * band / (TRIAL_BANDS - 1);
        memcpy(
            trial.samples + band * band_samples,
            picture->samples + row * picture->width * picture->channels,
            band_samples * sizeof(uint16_t));
    }
    size_t full = packed_size(&trial, (Packing){level, Z_FILTERED});
    size_t fast = packed_size(&trial, (Packing){level, Z_RLE});
    free(trial.samples);
    return fast > 0 && fast <= full + full / 20 ? Z_RLE : Z_FILTERED;
}

ImageCodecStatus image_codec_png_encode(
    const ImageCodecPicture *picture, const ImageCodecWriteOptions *options,
    ImageCodecBytes *output, char message[IMAGE_CODEC_MESSAGE_SIZE]) {
    message[0] = '\0';
    ImageCodecStatus status = image_codec_check_picture(picture, message);
    if (status != IMAGE_CODEC_OK) {
        return status;
    }
    int level = options->png_compression;
    if (level < 0 || level > 9) {
        image_codec_set_message(message, "PNG compression %d is not in 0...9", level);
        return IMAGE_CODEC_INVALID_ARGUMENT;
    }
    Packing packing = {level, choose_strategy(picture, level)};
    ByteBuffer file = {0};
    status = pack(picture, packing, &file, message);
    output->bytes = file.bytes;
    output->count = file.count;
    return status;
}
