import Degradation
import Yams

extension RecipeSchema {
    /// ``BlurDegradation``
    static var blur: MappingRule {
        let shares = MappingRule(
            definition: "blur-shares",
            fields: BlurDegradation.Kind.allCases.map {
                .optional(
                    $0.rawValue, .number(.from(0)), "Relative to the others.", standard: .integer(0),
                    acceptsNull: false)
            })
        return MappingRule(
            definition: "degradation-deblur",
            fields: [
                .required("shares", .mapping(shares), "How often each kind of blur is drawn."),
                .required(
                    "extent", .interval(0...41),
                    "Longer side of shake, length of linear and rotation, pixels."),
                .optional(
                    "sceneExtent", .interval(0...BlurDegradation.longestPath),
                    "Length of the paths in a scene, pixels; absent for those of extent."),
                .required("defocusRadius", .interval(0...20), "Radius of the disc, pixels."),
                .required("gaussianSigma", .interval(0...10), "Standard deviation, pixels."),
                .required(
                    "readNoise", .interval(0...0.5),
                    "Standard deviation of noise in the dark, as a part of white."),
                .required(
                    "shotNoise", .interval(0...0.1), "Variance of the noise of white, as a part of white."),
                .required("noiselessShare", .number(.from(0, to: 1)), "How often there is no noise."),
                .required("jpegShare", .number(.from(0, to: 1)), "How often there is JPEG."),
                .required("jpegQuality", .interval(1...100), "Its quality."),
                .optional(
                    "storedValuesShare", .number(.from(0, to: 1)),
                    "How often the blur is a sum of stored values instead of light.", standard: .integer(0)),
                .optional(
                    "highlightShare", .number(.from(0, to: 1)),
                    "How often white is where a sensor has clipped brighter light.", standard: .integer(0)),
                .optional(
                    "highlights", .interval(1...100), "How many times as bright as white that light was."),
            ]
        ) { try YAMLDecoder().decode(BlurDegradation.self, from: $0).validate() }
    }

    /// ``SecondOrderDegradation``
    static var secondOrder: MappingRule {
        let share = ValueRule.number(.from(0, to: 1))
        let round = MappingRule(
            definition: "degradation-round",
            fields: [
                .required("blurShare", share, "How often there is blur."),
                .required(
                    "blurSigma", .interval(0.1...10), "Its standard deviations along and across, pixels."),
                .required(
                    "resize", .interval(0.1...2),
                    "The side afterwards: of two rounds, in the first as a part of the high resolution's, in the last of the low resolution's."
                ),
                .required("noiseShare", share, "How often there is noise."),
                .required("noise", .interval(0...0.5), "Its standard deviation, as a part of white."),
                .required("grayNoiseShare", share, "How often the noise is the same in all channels."),
                .required("jpegShare", share, "How often there is JPEG."),
                .required("jpegQuality", .interval(1...100), "Its quality."),
            ])
        return MappingRule(
            definition: "degradation-sr3",
            fields: [
                .required("rounds", .list(.mapping(round), count: 1...2), "What happens, once or twice."),
                .required("plainShare", share, "How often a picture is only made small by bicubic."),
            ]
        ) { try YAMLDecoder().decode(SecondOrderDegradation.self, from: $0).validate() }
    }
}
