// Makes the seeds of the JPEG harness with libjpeg itself: small files that between them use every
// coding, colour space and sampling it can write, and the metadata that is read.
//
// usage: JPEGSeeds FOLDER

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

typedef struct {
    const char *name;
    J_COLOR_SPACE input;
    J_COLOR_SPACE stored;
    int components;
    int sampling;  // 2 for halved chroma
    int restart;
    bool progressive;
    bool arithmetic;
    bool optimised;
    bool metadata;
} Seed;

static const Seed SEEDS[] = {
    {.name = "gray", .input = JCS_GRAYSCALE, .stored = JCS_GRAYSCALE, .components = 1},
    {.name = "colour", .input = JCS_RGB, .stored = JCS_YCbCr, .components = 3},
    {.name = "halved", .input = JCS_RGB, .stored = JCS_YCbCr, .components = 3, .sampling = 2},
    {.name = "rgb", .input = JCS_RGB, .stored = JCS_RGB, .components = 3, .optimised = true},
    {.name = "cmyk", .input = JCS_CMYK, .stored = JCS_CMYK, .components = 4},
    {.name = "ycck", .input = JCS_CMYK, .stored = JCS_YCCK, .components = 4},
    {.name = "restart", .input = JCS_RGB, .stored = JCS_YCbCr, .components = 3, .restart = 1},
    {.name = "progressive",
     .input = JCS_RGB,
     .stored = JCS_YCbCr,
     .components = 3,
     .sampling = 2,
     .progressive = true},
    {.name = "progressive-gray",
     .input = JCS_GRAYSCALE,
     .stored = JCS_GRAYSCALE,
     .components = 1,
     .restart = 1,
     .progressive = true},
    {.name = "arithmetic",
     .input = JCS_GRAYSCALE,
     .stored = JCS_GRAYSCALE,
     .components = 1,
     .arithmetic = true},
    {.name = "arithmetic-progressive",
     .input = JCS_RGB,
     .stored = JCS_YCbCr,
     .components = 3,
     .arithmetic = true,
     .progressive = true},
    {.name = "metadata",
     .input = JCS_GRAYSCALE,
     .stored = JCS_GRAYSCALE,
     .components = 1,
     .metadata = true},
};

static void write_marker(
    struct jpeg_compress_struct *jpeg, int code, const char *bytes, size_t count) {
    jpeg_write_marker(jpeg, code, (const JOCTET *)bytes, (unsigned)count);
}

// An EXIF block that turns the picture, an XMP packet that says the same, two parts of a
// profile, a comment.
static void write_metadata(struct jpeg_compress_struct *jpeg) {
    static const char exif[] =
        "Exif\0\0MM\0\x2A\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    static const char xmp[] =
        "http://ns.adobe.com/xap/1.0/\0<x tiff:Orientation=\"6\"/>";
    static const char first[] = "ICC_PROFILE\0\x01\x02half of";
    static const char second[] = "ICC_PROFILE\0\x02\x02 a profile";
    write_marker(jpeg, JPEG_APP0 + 1, exif, sizeof(exif) - 1);
    write_marker(jpeg, JPEG_APP0 + 1, xmp, sizeof(xmp) - 1);
    write_marker(jpeg, JPEG_APP0 + 2, second, sizeof(second) - 1);
    write_marker(jpeg, JPEG_APP0 + 2, first, sizeof(first) - 1);
    write_marker(jpeg, JPEG_COM, "comment", 7);
}

static void write_seed(const Seed *seed, FILE *file) {
    enum { WIDTH = 19, HEIGHT = 17 };
    struct jpeg_error_mgr errors;
    struct jpeg_compress_struct jpeg;
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_stdio_dest(&jpeg, file);
    jpeg.image_width = WIDTH;
    jpeg.image_height = HEIGHT;
    jpeg.input_components = seed->components;
    jpeg.in_color_space = seed->input;
    jpeg_set_defaults(&jpeg);
    jpeg_set_colorspace(&jpeg, seed->stored);
    jpeg_set_quality(&jpeg, 50, TRUE);
    for (int i = 0; i < seed->components; i++) {
        int factor = i == 0 && seed->sampling > 0 ? seed->sampling : 1;
        jpeg.comp_info[i].h_samp_factor = factor;
        jpeg.comp_info[i].v_samp_factor = factor;
    }
    if (seed->progressive) {
        jpeg_simple_progression(&jpeg);
    }
    jpeg.arith_code = seed->arithmetic;
    jpeg.optimize_coding = seed->optimised && !seed->arithmetic;
    jpeg.restart_in_rows = seed->restart;
    if (seed->metadata) {
        jpeg.density_unit = 1;
        jpeg.X_density = 72;
        jpeg.Y_density = 72;
    }
    jpeg_start_compress(&jpeg, TRUE);
    if (seed->metadata) {
        write_metadata(&jpeg);
    }
    uint8_t row[WIDTH * 4];
    JSAMPROW rows[1] = {row};
    while (jpeg.next_scanline < HEIGHT) {
        for (size_t i = 0; i < sizeof(row); i++) {
            row[i] = (uint8_t)(i * 3 + jpeg.next_scanline * 7);
        }
        jpeg_write_scanlines(&jpeg, rows, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
}

int main(int count, char **arguments) {
    if (count != 2) {
        fprintf(stderr, "usage: JPEGSeeds FOLDER\n");
        return 64;
    }
    for (size_t i = 0; i < sizeof(SEEDS) / sizeof(SEEDS[0]); i++) {
        char path[4096];
        snprintf(path, sizeof(path), "%s/%s", arguments[1], SEEDS[i].name);
        FILE *file = fopen(path, "wb");
        if (file == NULL) {
            perror(path);
            return 73;
        }
        write_seed(&SEEDS[i], file);
        fclose(file);
    }
    return 0;
}
