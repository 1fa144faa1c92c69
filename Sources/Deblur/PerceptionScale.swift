import Diffusion

/// One knob along the perception-distortion curve: 0 is the best PSNR (few steps, many samples
/// averaged), 1 the sharpest single sample.
///
/// Which settings lie where was measured by a sweep and is stored with the model, so that the
/// knob means the same for every model.
public struct PerceptionScale: Sendable, Codable, Equatable {
    /// The settings at one place of the knob.
    public struct Setting: Sendable, Codable, Equatable {
        /// Place on the knob, 0…1.
        public var perception: Double
        public var steps: Int
        public var samples: Int
        /// √(1 − γ) at which sampling starts, above 0 and at most 1.
        public var maximumNoise: Double

        public init(perception: Double, steps: Int, samples: Int, maximumNoise: Double = 1) {
            self.perception = perception
            self.steps = steps
            self.samples = samples
            self.maximumNoise = maximumNoise
        }
    }

    /// Settings with rising `perception`, the first at 0, the last at 1.
    public var settings: [Setting]

    public init(
        settings: [Setting] = [
            Setting(perception: 0, steps: 1, samples: 8), Setting(perception: 1, steps: 10, samples: 1),
        ]
    ) {
        self.settings = settings
    }

    public init(from decoder: any Decoder) throws {
        settings = try decoder.singleValueContainer().decode([Setting].self)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(settings)
    }

    /// - Throws: ``NetworkError`` unless the places rise from 0 to 1, steps never fall, samples
    ///   never rise, and all are in range.
    func validate(longest: Int) throws {
        func check(_ condition: Bool, _ message: String) throws {
            if !condition { throw NetworkError(message) }
        }
        try check(
            settings.count >= 2 && settings.first?.perception == 0 && settings.last?.perception == 1,
            "perception must have settings from 0 to 1")
        for setting in settings {
            try check((1...longest).contains(setting.steps), "perception.steps must be 1 to \(longest)")
            try check((1...1000).contains(setting.samples), "perception.samples must be 1 to 1000")
            try check(
                setting.maximumNoise > 0 && setting.maximumNoise <= 1,
                "perception.maximumNoise must be above 0 and at most 1")
        }
        for (low, high) in zip(settings, settings.dropFirst()) {
            try check(
                low.perception < high.perception && low.steps <= high.steps && low.samples >= high.samples
                    && low.maximumNoise <= high.maximumNoise,
                "along perception, steps and maximumNoise must not fall and samples must not rise")
        }
    }

    /// The settings at a place of the knob: between two measured ones, the numbers are interpolated
    /// and rounded. More perception never means fewer steps, less noise or more samples.
    ///
    /// - Parameter perception: 0…1; other values are clamped.
    public func setting(at perception: Double) -> Setting {
        let place = perception.isFinite ? min(1, max(0, perception)) : 0
        guard let upper = settings.first(where: { $0.perception >= place }),
            let lower = settings.last(where: { $0.perception <= place })
        else { return settings.last ?? Setting(perception: place, steps: 1, samples: 1) }
        let span = upper.perception - lower.perception
        let part = span > 0 ? (place - lower.perception) / span : 0
        func between(_ low: Double, _ high: Double) -> Double { low + (high - low) * part }
        return Setting(
            perception: place, steps: Int(between(Double(lower.steps), Double(upper.steps)).rounded()),
            samples: Int(between(Double(lower.samples), Double(upper.samples)).rounded()),
            maximumNoise: between(lower.maximumNoise, upper.maximumNoise))
    }
}
