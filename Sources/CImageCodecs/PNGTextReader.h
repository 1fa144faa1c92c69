#ifndef PNG_TEXT_READER_H
#define PNG_TEXT_READER_H

#include "CImageCodecs.h"

/// What became of a text chunk.
typedef enum {
    PNG_TEXT_TAKEN,
    /// It breaks the format's rules and has no meaning.
    PNG_TEXT_MALFORMED,
    /// It, or all texts together, are past a limit.
    PNG_TEXT_TOO_LARGE,
    PNG_TEXT_OUT_OF_MEMORY,
} PNGTextResult;

/// The texts of a file being read. libpng bounds each text on its own, so that a thousand
/// small chunks may still fill the memory; here they share one bound.
typedef struct {
    ImageCodecMetadata *metadata;
    /// Bytes that may still come; zero after one text was too large, so that the work
    /// spent on unpacking is bounded as well.
    size_t bytes_left;
} PNGTextReader;

/// Whether a chunk of that name holds text.
bool png_text_is_text(const uint8_t name[4]);

/// Adds the text of a tEXt, zTXt or iTXt chunk to the metadata; an XMP packet goes to its
/// own field.
PNGTextResult png_text_read(
    PNGTextReader *reader, const uint8_t name[4], const uint8_t *data, size_t count);

#endif
