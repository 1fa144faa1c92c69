import Diffusion
import Foundation
import Testing

@testable import Deblur

struct PerceptionScaleTests {
    private static let scale = PerceptionScale(settings: [
        .init(perception: 0, steps: 1, samples: 16, maximumNoise: 0.5),
        .init(perception: 0.4, steps: 2, samples: 4, maximumNoise: 0.9),
        .init(perception: 1, steps: 20, samples: 1, maximumNoise: 1),
    ])

    @Test func theKnobIsMonotone() throws {
        let settings = (0...200).map { Self.scale.setting(at: Double($0) / 200) }
        for (low, high) in zip(settings, settings.dropFirst()) {
            #expect(low.steps <= high.steps && low.samples >= high.samples)
            #expect(low.maximumNoise <= high.maximumNoise)
        }
        #expect(Set(settings.map(\.steps)).count > 10, "it is a knob, not a switch")
    }

    @Test func measuredPlacesAreMetExactly() {
        for setting in Self.scale.settings { #expect(Self.scale.setting(at: setting.perception) == setting) }
        #expect(Self.scale.setting(at: -3).steps == 1 && Self.scale.setting(at: 7).steps == 20)
        #expect(Self.scale.setting(at: .nan).steps == 1)
    }

    @Test func betweenTwoPlacesNumbersAreInterpolated() {
        let middle = Self.scale.setting(at: 0.2)
        #expect(middle.steps == 2 && middle.samples == 10)
        #expect(abs(middle.maximumNoise - 0.7) < 1e-12)
    }

    @Test(arguments: [
        [(0.0, 1, 8, 1.0)], [(0, 1, 8, 1), (0.9, 2, 1, 1)], [(0.1, 1, 8, 1), (1, 2, 1, 1)],
        [(0, 4, 8, 1), (1, 2, 1, 1)], [(0, 1, 1, 1), (1, 2, 8, 1)], [(0, 1, 8, 1), (1, 2, 1, 0.5)],
        [(0, 0, 8, 1), (1, 2, 1, 1)], [(0, 1, 8, 0), (1, 2, 1, 1)], [(0, 1, 0, 1), (1, 2, 0, 1)],
        [(0, 1, 8, 1), (0.5, 1, 8, 1), (0.5, 2, 4, 1), (1, 2, 1, 1)], [(0, 1, 8, 1), (1, 3000, 1, 1)],
    ])
    func unusableScalesAreRefused(_ settings: [(Double, Int, Int, Double)]) {
        var configuration = TestModels.configuration()
        configuration.perception = PerceptionScale(
            settings: settings.map {
                .init(perception: $0.0, steps: $0.1, samples: $0.2, maximumNoise: $0.3)
            })
        let error = #expect(throws: NetworkError.self) { try configuration.validate() }
        #expect(error?.description.contains("perception") == true)
    }

    @Test func itIsStoredWithTheConfiguration() throws {
        var configuration = TestModels.configuration()
        configuration.perception = Self.scale
        let data = try JSONEncoder().encode(configuration)
        #expect(try JSONDecoder().decode(DeblurConfiguration.self, from: data) == configuration)
    }
}
