#ifndef CHECKS_H
#define CHECKS_H

#include "Reading.h"

/// Ends the run with a finding unless `condition` holds.
#define CHECK(condition, sentence) \
    do { \
        if (!(condition)) { \
            report_finding(sentence); \
        } \
    } while (0)

_Noreturn void report_finding(const char *sentence);

/// Reads a file, strictly and leniently, and checks what the codec promises: a failure has a
/// message; a picture has all its samples, in range, and comes back the same from a PNG; and
/// what a strict reading takes a lenient one takes the same.
///
/// How a reading ended is counted by libFuzzer as coverage: libpng and libjpeg are not
/// instrumented, but each has a message of its own for each kind of damage.
void check_decoding(Format format, const uint8_t *bytes, size_t count);

#endif
