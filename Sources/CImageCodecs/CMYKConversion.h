#ifndef CMYK_CONVERSION_H
#define CMYK_CONVERSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// A conversion from the CMYK of an ICC profile to sRGB.
typedef struct CMYKConversion CMYKConversion;

/// A conversion by relative colorimetric intent with black point compensation.
///
/// `is_inverted` says that samples count what the ink lets through, as Adobe writes them.
/// NULL when the profile is malformed or not one of CMYK.
CMYKConversion *cmyk_conversion_create(
    const uint8_t *profile, size_t count, bool is_inverted);

/// Converts that many pixels.
void cmyk_conversion_apply(
    const CMYKConversion *conversion, const uint8_t *cmyk, uint8_t *rgb, size_t pixels);

/// Frees a conversion; NULL is allowed.
void cmyk_conversion_destroy(CMYKConversion *conversion);

#endif
