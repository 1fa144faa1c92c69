#ifndef CIMAGECODECS_H
#define CIMAGECODECS_H

// A C ABI over libpng, libjpeg and Little CMS for callers that cannot use setjmp.
//
// The first two leave their functions by longjmp when they meet an error; here that
// never crosses the boundary. Every function returns a status, and writes one
// zero-terminated sentence into the caller's message buffer when the status is not
// IMAGE_CODEC_OK. Nothing is ever printed.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// How a call ended.
typedef enum {
    IMAGE_CODEC_OK = 0,
    /// The bytes break the format's rules, or end too early.
    IMAGE_CODEC_CORRUPT = 1,
    /// The bytes are well formed but use a feature not handled here.
    IMAGE_CODEC_UNSUPPORTED = 2,
    /// The picture has more pixels than the caller allows, or more samples than
    /// IMAGE_CODEC_MAXIMUM_SAMPLES.
    IMAGE_CODEC_TOO_LARGE = 3,
    IMAGE_CODEC_OUT_OF_MEMORY = 4,
    /// The caller asked for something the format cannot hold.
    IMAGE_CODEC_INVALID_ARGUMENT = 5,
} ImageCodecStatus;

/// Width × height × channels may not exceed this, whatever a caller allows.
#define IMAGE_CODEC_MAXIMUM_SAMPLES (UINT64_C(1) << 31)

/// The most bytes of a colour profile, after decompression.
#define IMAGE_CODEC_MAXIMUM_PROFILE_BYTES (1 << 24)

/// The most bytes of all texts and the XMP packet of a PNG file together, after
/// decompression; and the most texts.
#define IMAGE_CODEC_MAXIMUM_TEXT_BYTES (1 << 24)
#define IMAGE_CODEC_MAXIMUM_TEXTS 1000

/// Big enough for every message.
#define IMAGE_CODEC_MESSAGE_SIZE 256

/// Bytes owned by the structure they sit in; `bytes` is NULL when absent.
typedef struct {
    uint8_t *bytes;
    size_t count;
} ImageCodecBytes;

/// Which PNG chunk a text came from, or should go to.
typedef enum {
    IMAGE_CODEC_TEXT_LATIN1 = 0,             // tEXt
    IMAGE_CODEC_TEXT_LATIN1_COMPRESSED = 1,  // zTXt
    IMAGE_CODEC_TEXT_UTF8 = 2,               // iTXt
    IMAGE_CODEC_TEXT_UTF8_COMPRESSED = 3,    // iTXt, compressed
} ImageCodecTextKind;

/// One PNG text entry; all strings are zero-terminated and owned.
typedef struct {
    ImageCodecTextKind kind;
    char *keyword;             // Latin-1
    char *language;            // ASCII; empty but for iTXt
    char *translated_keyword;  // UTF-8; empty but for iTXt
    char *text;                // Latin-1 or UTF-8, by kind
} ImageCodecText;

/// The unit of a physical resolution.
typedef enum {
    /// Only the ratio x : y is known.
    IMAGE_CODEC_UNIT_NONE = 0,
    IMAGE_CODEC_UNIT_METRE = 1,
    IMAGE_CODEC_UNIT_INCH = 2,
    IMAGE_CODEC_UNIT_CENTIMETRE = 3,
} ImageCodecUnit;

/// What a file says beside its pixels.
typedef struct {
    ImageCodecBytes icc_profile;
    /// A TIFF structure, without JPEG's "Exif\0\0" before it.
    ImageCodecBytes exif;
    /// An XMP packet (UTF-8 XML).
    ImageCodecBytes xmp;

    bool has_resolution;
    ImageCodecUnit resolution_unit;
    uint32_t resolution_x;  // pixels per unit
    uint32_t resolution_y;

    bool has_gamma;
    int32_t gamma;  // gAMA × 100000
    bool has_chromaticities;
    int32_t chromaticities[8];  // white x y, red x y, green x y, blue x y, × 100000
    bool has_rendering_intent;
    int32_t rendering_intent;  // sRGB: 0...3
    bool has_code_points;
    uint8_t code_points[4];  // cICP: primaries, transfer function, matrix, full range

    ImageCodecText *texts;
    size_t text_count;
} ImageCodecMetadata;

/// A picture: interleaved rows of 16-bit samples, 0...255 or 0...65535 by bit_depth.
typedef struct {
    uint32_t width;
    uint32_t height;
    /// 1 gray, 2 gray + alpha, 3 RGB, 4 RGBA.
    uint32_t channels;
    /// 8 or 16.
    uint32_t bit_depth;
    /// Width × height × channels; always the caller's.
    uint16_t *samples;
    ImageCodecMetadata metadata;
} ImageCodecPicture;

/// What a reader may take and what it must turn down.
typedef struct {
    /// Width × height may not exceed this. A file of a few bytes can claim any size, so
    /// there must be a bound before memory is asked for.
    uint64_t maximum_pixels;
    /// Whether damage after the first row costs only what was not decoded.
    bool is_lenient;
} ImageCodecReadOptions;

/// What a reading that succeeded had to do without.
typedef struct {
    /// A lenient reading met the end of the file too early, or other damage.
    bool ends_early;
    bool is_damaged;
    /// Rows decoded before that, in the first pass over the picture.
    uint32_t rows;
    /// Passes (of an interlaced PNG, scans of a JPEG) decoded whole before that.
    uint32_t passes;
    /// How many passes there should be; 0 when that is not known.
    uint32_t total_passes;

    /// A colour profile was malformed or too large.
    bool lacks_profile;
    /// Texts were too many or too large.
    bool lacks_texts;
    /// The profile of a CMYK picture is malformed or not for CMYK.
    bool lacks_cmyk_profile;
} ImageCodecShortfall;

/// How a picture is written; each format ignores what is not its own.
typedef struct {
    /// 1...100.
    int jpeg_quality;
    bool jpeg_is_progressive;
    /// zlib's level, 0...9. In 2...8 photographs, told by a trial of a few rows, are packed
    /// the fast way, within 5 % of the size.
    int png_compression;
} ImageCodecWriteOptions;

/// A file being read.
typedef struct ImageCodecDecoder ImageCodecDecoder;

/// Whether that many bytes can be had in one piece.
bool image_codec_memory_is_available(size_t count);

/// Frees what the fields hold and empties them; NULL is allowed.
void image_codec_metadata_clear(ImageCodecMetadata *metadata);

/// Frees bytes given out by an encoder and empties them; NULL is allowed.
void image_codec_bytes_clear(ImageCodecBytes *bytes);

/// Replaces `destination` by a copy of `count` bytes; false when memory is out.
bool image_codec_bytes_assign(
    ImageCodecBytes *destination, const uint8_t *bytes, size_t count);

/// Appends a copy of one text entry; false when memory is out.
bool image_codec_metadata_add_text(
    ImageCodecMetadata *metadata, ImageCodecTextKind kind, const char *keyword,
    const char *language, const char *translated_keyword, const char *text);

/// Begins to read a PNG file: `picture`, which must be zeroed, gets its size, channels and
/// depth, and `decoder` what image_codec_decoder_read goes on with.
///
/// Gray of 1, 2 and 4 bits is scaled to 8 bits, palettes become RGB, and tRNS becomes
/// an alpha channel. A wrong CRC in any chunk and a missing end are errors, but not to a
/// lenient reading, which leaves the rows not decoded at zero; of an interlaced picture
/// they get the pixels of the passes before.
///
/// `bytes` and `options` must outlive the decoder.
ImageCodecStatus image_codec_png_open(
    const uint8_t *bytes, size_t count, const ImageCodecReadOptions *options,
    ImageCodecPicture *picture, ImageCodecDecoder **decoder,
    char message[IMAGE_CODEC_MESSAGE_SIZE]);

/// Begins to read a JPEG file, as image_codec_png_open does, to 8-bit gray or RGB.
///
/// CMYK and YCCK become sRGB by the file's profile (relative colorimetric with black point
/// compensation), which is then dropped, or by multiplication where there is no usable
/// profile. Damage that libjpeg only warns about (an early end, bad Huffman codes, lost
/// restart markers) is an error, but not to a lenient reading, which takes libjpeg's
/// filling.
ImageCodecStatus image_codec_jpeg_open(
    const uint8_t *bytes, size_t count, const ImageCodecReadOptions *options,
    ImageCodecPicture *picture, ImageCodecDecoder **decoder,
    char message[IMAGE_CODEC_MESSAGE_SIZE]);

/// Reads the pixels into `picture->samples`, which has room for all, and the metadata,
/// which the caller clears. To be called once.
///
/// After IMAGE_CODEC_OK `message` says what was wrong with a damaged file, if it was.
ImageCodecStatus image_codec_decoder_read(
    ImageCodecDecoder *decoder, ImageCodecPicture *picture, ImageCodecShortfall *shortfall,
    char message[IMAGE_CODEC_MESSAGE_SIZE]);

/// Frees a decoder; NULL is allowed.
void image_codec_decoder_close(ImageCodecDecoder *decoder);

/// Encodes a picture of 1...4 channels, 8 or 16 bits, as PNG into `output`, which must
/// be zeroed and which the caller clears.
///
/// Metadata that PNG refuses (a malformed ICC profile, say) is left out.
ImageCodecStatus image_codec_png_encode(
    const ImageCodecPicture *picture, const ImageCodecWriteOptions *options,
    ImageCodecBytes *output, char message[IMAGE_CODEC_MESSAGE_SIZE]);

/// Encodes an 8-bit picture of 1 or 3 channels as JPEG with optimised Huffman tables into
/// `output`, which must be zeroed and which the caller clears.
///
/// Chroma is kept whole (4:4:4) from quality 90 on and halved in both directions (4:2:0)
/// below. Metadata JPEG cannot hold is left out.
ImageCodecStatus image_codec_jpeg_encode(
    const ImageCodecPicture *picture, const ImageCodecWriteOptions *options,
    ImageCodecBytes *output, char message[IMAGE_CODEC_MESSAGE_SIZE]);

#ifdef __cplusplus
}
#endif

#endif
