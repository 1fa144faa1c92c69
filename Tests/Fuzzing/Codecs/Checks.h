#ifndef CHECKS_H
#define CHECKS_H

#include "CImageCodecs.h"

/// Ends the run with a finding unless `condition` holds.
#define CHECK(condition, sentence) \
    do { \
        if (!(condition)) { \
            report_finding(sentence); \
        } \
    } while (0)

_Noreturn void report_finding(const char *sentence);

typedef enum { FORMAT_PNG, FORMAT_JPEG } Format;

/// Whether a file that claims this size is cheap to decode, or so large that the codec
/// must refuse it before any work. What lies between would only cost time.
bool is_worth_decoding(uint32_t width, uint32_t height);

/// Decodes a file and checks what the codec promises: a failure leaves the picture empty
/// and a message; a picture has samples in range, and comes back the same from a PNG.
///
/// How the call ended is counted by libFuzzer as coverage: libpng and libjpeg are not
/// instrumented, but each has a message of its own for each kind of damage.
void check_decoding(Format format, const uint8_t *bytes, size_t count);

#endif
