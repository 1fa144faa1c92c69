#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "Decoder.h"
#include "PNGKeywords.h"
#include "PNGTextReader.h"
#include "Picture.h"

// Deflate cannot pack more than 1032 bytes into one, so a file claiming more raw bytes
// than that is cut or lying: it is refused before memory is asked for.
static const uint64_t DEFLATE_MAXIMUM_RATIO = 1032;

static const size_t SIGNATURE_SIZE = 8;
static const size_t CHUNK_HEADER_SIZE = 8;
static const size_t CHUNK_CRC_SIZE = 4;

typedef struct {
    ImageCodecDecoder base;  // first, so that a pointer to it is also ours
    const uint8_t *bytes;
    size_t count;
    size_t offset;
    /// Where the next chunk starts.
    size_t next_chunk;
    const ImageCodecReadOptions *options;

    png_structp png;
    png_infop info;
    bool has_profile_chunk;
    PNGTextReader texts;
    /// The row being read, in one of so many passes.
    int pass;
    int passes;
    uint32_t row;

    // The caller's, for the time of one call.
    ImageCodecPicture *picture;
    ImageCodecShortfall shortfall;
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

// libpng warns of a checksum only where it was told to go on all the same.
static void handle_warning(png_structp png, png_const_charp message) {
    Decoder *decoder = png_get_error_ptr(png);
    if (decoder->options->is_lenient && strstr(message, "CRC error") != NULL) {
        decoder->shortfall.is_damaged = true;
        image_codec_set_message(decoder->message, "%s", message);
    }
}

static uint32_t big_endian(const uint8_t *bytes) {
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8
        | bytes[3];
}

// A chunk of which only the first part is there is passed on as a shorter chunk, without
// its checksum: libpng would ask for more than there is, and what there is would be lost.
static void shorten_chunk(Decoder *decoder, uint8_t *header, size_t left) {
    size_t data = left - CHUNK_HEADER_SIZE;
    decoder->shortfall.ends_early = true;
    for (int i = 0; i < 4; i++) {
        header[i] = (uint8_t)(data >> (24 - 8 * i));
    }
}

static void fail_at_end(png_structp png) {
    Decoder *decoder = png_get_io_ptr(png);
    decoder->shortfall.ends_early = true;
    png_error(png, "the file ends too early");
}

static void read_bytes(png_structp png, png_bytep destination, size_t count) {
    Decoder *decoder = png_get_io_ptr(png);
    size_t left = decoder->count - decoder->offset;
    bool is_missing_checksum =
        decoder->shortfall.ends_early && left == 0 && count == CHUNK_CRC_SIZE;
    if (is_missing_checksum) {
        memset(destination, 0, count);
        return;
    }
    if (count > left) {
        fail_at_end(png);
    }
    memcpy(destination, decoder->bytes + decoder->offset, count);
    if (decoder->offset == decoder->next_chunk && count == CHUNK_HEADER_SIZE) {
        uint64_t whole = (uint64_t)CHUNK_HEADER_SIZE + big_endian(destination) + CHUNK_CRC_SIZE;
        if (memcmp(destination + 4, "iCCP", 4) == 0) {
            decoder->has_profile_chunk = true;
        }
        if (whole <= left) {
            decoder->next_chunk += (size_t)whole;
        } else if (decoder->options->is_lenient) {
            shorten_chunk(decoder, destination, left);
        } else if (memcmp(destination + 4, "IDAT", 4) != 0) {
            // libpng would ask for the memory that a few bytes claim, up to 2 GB, before it
            // looked for the chunk's data. Only of IDAT it reads one piece after another.
            fail_at_end(png);
        }
    }
    decoder->offset += count;
}

static void keep_bytes(
    Decoder *decoder, ImageCodecBytes *destination, const uint8_t *bytes, size_t count) {
    if (!image_codec_bytes_assign(destination, bytes, count)) {
        fail_out_of_memory(decoder);
    }
}

static void read_code_points(Decoder *decoder, const png_unknown_chunk *chunk) {
    ImageCodecMetadata *metadata = &decoder->picture->metadata;
    // The standard has it before the palette and the pixels, RGB only (matrix 0), and its
    // last byte is a flag.
    bool is_in_place = (chunk->location & (PNG_HAVE_PLTE | PNG_AFTER_IDAT)) == 0;
    if (is_in_place && chunk->size == sizeof(metadata->code_points) && chunk->data[2] == 0
        && chunk->data[3] <= 1 && !metadata->has_code_points) {
        memcpy(metadata->code_points, chunk->data, chunk->size);
        metadata->has_code_points = true;
    }
}

static void read_text(Decoder *decoder, const png_unknown_chunk *chunk) {
    switch (png_text_read(&decoder->texts, chunk->name, chunk->data, chunk->size)) {
    case PNG_TEXT_TOO_LARGE:
        decoder->shortfall.lacks_texts = true;
        break;
    case PNG_TEXT_OUT_OF_MEMORY:
        fail_out_of_memory(decoder);
        break;
    default:
        break;
    }
}

static int read_chunk(png_structp png, png_unknown_chunkp chunk) {
    Decoder *decoder = png_get_user_chunk_ptr(png);
    if (memcmp(chunk->name, PNG_CICP_NAME, 4) == 0) {
        read_code_points(decoder, chunk);
    } else if (png_text_is_text(chunk->name)) {
        read_text(decoder, chunk);
    }
    // A chunk nobody knows is an error when its first letter is a capital (critical).
    bool is_critical = (chunk->name[0] & 0x20) == 0;
    return is_critical ? 0 : 1;
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
    } else if (decoder->has_profile_chunk) {
        decoder->shortfall.lacks_profile = true;
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

static void check_size(Decoder *decoder) {
    png_structp png = decoder->png;
    png_infop info = decoder->info;
    ImageCodecPicture *picture = decoder->picture;

    // The bound is checked before libpng sizes its own row buffers, with the number of
    // channels that expansion will give.
    int color_type = png_get_color_type(png, info);
    picture->width = png_get_image_width(png, info);
    picture->height = png_get_image_height(png, info);
    picture->channels = (color_type & PNG_COLOR_MASK_COLOR) != 0 ? 3 : 1;
    if ((color_type & PNG_COLOR_MASK_ALPHA) != 0
        || png_get_valid(png, info, PNG_INFO_tRNS) != 0) {
        picture->channels += 1;
    }
    ImageCodecStatus status = image_codec_check_size(
        picture->width, picture->height, picture->channels,
        decoder->options->maximum_pixels, decoder->message);
    if (status != IMAGE_CODEC_OK) {
        fail(decoder, status);
    }
    uint64_t packed_row_bytes = ((uint64_t)picture->width * png_get_channels(png, info)
                                     * png_get_bit_depth(png, info)
                                 + 7)
        / 8;
    uint64_t ratio = DEFLATE_MAXIMUM_RATIO;
    if (decoder->options->is_lenient) {
        ratio *= DECODER_LENIENCE;
    }
    if (packed_row_bytes * picture->height / ratio > decoder->count) {
        png_error(png, "the file is too short for the size it claims");
    }
}

static void choose_output(Decoder *decoder) {
    png_structp png = decoder->png;
    png_infop info = decoder->info;
    ImageCodecPicture *picture = decoder->picture;
    // Palette to RGB, 1, 2 and 4 bit gray to 8 bits, tRNS to alpha.
    png_set_expand(png);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    png_set_swap(png);
#endif
    decoder->passes = png_set_interlace_handling(png);
    png_read_update_info(png, info);

    size_t row_samples = (size_t)picture->width * picture->channels;
    picture->bit_depth = png_get_bit_depth(png, info);
    if (png_get_channels(png, info) != picture->channels
        || png_get_rowbytes(png, info) > row_samples * sizeof(uint16_t)) {
        png_error(png, "the pixel layout is inconsistent");
    }
}

static png_bytep row(const Decoder *decoder, uint32_t y) {
    const ImageCodecPicture *picture = decoder->picture;
    return (png_bytep)(picture->samples + (size_t)y * picture->width * picture->channels);
}

static void read_rows(Decoder *decoder) {
    // Shown rather than stored rows have each pixel of a pass cover those of later passes
    // as well; when all passes are there the two give the same.
    bool is_shown = decoder->options->is_lenient && decoder->passes > 1;
    for (decoder->pass = 0; decoder->pass < decoder->passes; decoder->pass++) {
        for (decoder->row = 0; decoder->row < decoder->picture->height; decoder->row++) {
            png_bytep pixels = row(decoder, decoder->row);
            png_read_row(
                decoder->png, is_shown ? NULL : pixels, is_shown ? pixels : NULL);
        }
    }
    png_read_end(decoder->png, decoder->info);
}

// After the last row of all libpng looks for the end of the stream, and an error there
// comes when the row is already in its place.
static void count_finished_row(Decoder *decoder) {
    png_structp png = decoder->png;
    if (decoder->row >= decoder->picture->height
        || (png_get_current_pass_number(png) <= decoder->pass
            && png_get_current_row_number(png) <= decoder->row)) {
        return;
    }
    decoder->row += 1;
    if (decoder->row == decoder->picture->height) {
        decoder->pass += 1;
        decoder->row = 0;
    }
}

// Whether what was read before an error is worth having. Afterwards `pass` and `row` are
// those of the row that could not be read.
static bool accept_part(Decoder *decoder) {
    count_finished_row(decoder);
    bool has_rows = decoder->pass > 0 || decoder->row > 0;
    if (!decoder->options->is_lenient || decoder->status != IMAGE_CODEC_CORRUPT
        || !has_rows) {
        return false;
    }
    const ImageCodecPicture *picture = decoder->picture;
    decoder->shortfall.is_damaged = true;
    if (decoder->pass == 0) {
        size_t row_bytes = (size_t)picture->width * picture->channels * sizeof(uint16_t);
        memset(
            row(decoder, decoder->row), 0, (picture->height - decoder->row) * row_bytes);
    }
    return true;
}

static void describe_part(Decoder *decoder) {
    ImageCodecShortfall *shortfall = &decoder->shortfall;
    shortfall->passes = (uint32_t)decoder->pass;
    shortfall->total_passes = (uint32_t)decoder->passes;
    shortfall->rows = decoder->pass > 0 ? decoder->picture->height : decoder->row;
}

// The three functions that setjmp returns into: all they change lives in their caller, so
// no local value is lost when an error jumps back.

static void open_file(Decoder *decoder) {
    if (setjmp(decoder->escape) != 0) {
        return;
    }
    decoder->png = png_create_read_struct(
        PNG_LIBPNG_VER_STRING, decoder, handle_error, handle_warning);
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
    png_set_chunk_malloc_max(decoder->png, IMAGE_CODEC_MAXIMUM_PROFILE_BYTES);
    if (decoder->options->is_lenient) {
        png_set_crc_action(decoder->png, PNG_CRC_WARN_USE, PNG_CRC_WARN_DISCARD);
    } else {
        png_set_crc_action(decoder->png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
    }
    static const uint8_t own_chunks[] = "tEXt\0zTXt\0iTXt\0" PNG_CICP_NAME;
    png_set_keep_unknown_chunks(decoder->png, PNG_HANDLE_CHUNK_ALWAYS, own_chunks, 4);
    png_set_read_user_chunk_fn(decoder->png, decoder, read_chunk);

    png_read_info(decoder->png, decoder->info);
    check_size(decoder);
    choose_output(decoder);
    decoder->status = IMAGE_CODEC_OK;
}

static void read_pixels(Decoder *decoder) {
    if (setjmp(decoder->escape) == 0) {
        read_rows(decoder);
    } else if (!accept_part(decoder)) {
        return;
    }
    if (decoder->picture->bit_depth == 8) {
        widen_rows(decoder->picture);
    }
    describe_part(decoder);
    decoder->status = IMAGE_CODEC_OK;
}

static void finish(Decoder *decoder) {
    if (setjmp(decoder->escape) != 0) {
        return;
    }
    read_metadata(decoder);
}

static void begin(Decoder *decoder, ImageCodecPicture *picture, char *message) {
    decoder->picture = picture;
    decoder->texts.metadata = &picture->metadata;
    decoder->message = message;
    decoder->status = IMAGE_CODEC_CORRUPT;
}

static ImageCodecStatus read_picture(
    ImageCodecDecoder *base, ImageCodecPicture *picture, ImageCodecShortfall *shortfall,
    char message[IMAGE_CODEC_MESSAGE_SIZE]) {
    Decoder *decoder = (Decoder *)base;
    begin(decoder, picture, message);
    read_pixels(decoder);
    if (decoder->status == IMAGE_CODEC_OK) {
        finish(decoder);
    }
    *shortfall = decoder->shortfall;
    return decoder->status;
}

static void close_decoder(ImageCodecDecoder *base) {
    Decoder *decoder = (Decoder *)base;
    png_destroy_read_struct(&decoder->png, &decoder->info, NULL);
    free(decoder);
}

ImageCodecStatus image_codec_png_open(
    const uint8_t *bytes, size_t count, const ImageCodecReadOptions *options,
    ImageCodecPicture *picture, ImageCodecDecoder **result,
    char message[IMAGE_CODEC_MESSAGE_SIZE]) {
    message[0] = '\0';
    Decoder *decoder = calloc(1, sizeof(Decoder));
    if (decoder == NULL) {
        image_codec_set_message(message, "there is not enough memory");
        return IMAGE_CODEC_OUT_OF_MEMORY;
    }
    decoder->base = (ImageCodecDecoder){.read = read_picture, .close = close_decoder};
    decoder->bytes = bytes;
    decoder->count = count;
    decoder->next_chunk = SIGNATURE_SIZE;
    decoder->options = options;
    decoder->texts.bytes_left = IMAGE_CODEC_MAXIMUM_TEXT_BYTES;
    begin(decoder, picture, message);
    open_file(decoder);
    ImageCodecStatus status = decoder->status;
    if (status == IMAGE_CODEC_OK) {
        *result = &decoder->base;
    } else {
        close_decoder(&decoder->base);
    }
    return status;
}
