import Foundation
import Synchronization
import Testing

@testable import Tensors

struct RandomTests {
    /// The known answers of the Random123 distribution (kat_vectors) for philox4x32-10.
    @Test func philoxKnownAnswers() {
        func check(_ counter: [UInt32], key: UInt64, _ answer: [UInt32]) {
            let words = CounterGenerator(seed: key).words(counter[0], counter[1], counter[2], counter[3])
            #expect((0..<4).map { words[$0] } == answer)
        }
        check([0, 0, 0, 0], key: 0, [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8])
        check(
            [.max, .max, .max, .max], key: .max, [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd])
        check(
            [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], key: 0x299f_31d0_a409_3822,
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1])
    }

    @Test func streamsAreUniformAndIndependent() {
        var random = CounterStream(seed: 1)
        let count = 1 << 16
        let values = (0..<count).map { _ in random.uniform() }
        #expect(values.allSatisfy { $0 >= 0 && $0 < 1 })
        let mean = values.reduce(0, +) / Double(count)
        #expect(abs(mean - 0.5) < 4 * (1.0 / 12 / Double(count)).squareRoot())
        // The largest distance of the empirical distribution from the uniform one
        // (Kolmogorov–Smirnov); 1.95/√n is exceeded once in a thousand.
        let distance = values.sorted().enumerated().map { abs(Double($0) / Double(count) - $1) }.max() ?? 1
        #expect(distance < 1.95 / Double(count).squareRoot())

        var again = CounterStream(seed: 1)
        #expect((0..<8).allSatisfy { again.uniform() == values[$0] })
        var otherStream = CounterStream(seed: 1, stream: 1)
        var otherSeed = CounterStream(seed: 2)
        #expect(otherStream.next() != again.next())
        #expect(otherSeed.uniform() != values[0])
    }

    @Test func noiseIsStandardNormal() throws {
        let values = try NoiseField(seed: 7).tensor(step: 0, channels: 3, height: 256, width: 256).floats()
        let count = Double(values.count)
        func moment(_ power: Int) -> Double {
            values.reduce(0) { sum, value in
                sum + (0..<power).reduce(1.0) { product, _ in product * Double(value) }
            }
                / count
        }
        // Moments of N(0, 1) with four standard errors of each.
        #expect(abs(moment(1)) < 4 * (1 / count).squareRoot())
        #expect(abs(moment(2) - 1) < 4 * (2 / count).squareRoot())
        #expect(abs(moment(3)) < 4 * (15 / count).squareRoot())
        #expect(abs(moment(4) - 3) < 4 * (96 / count).squareRoot())
        // Neighbours and channels are not correlated.
        let plane = 256 * 256
        func correlation(_ offset: Int) -> Double {
            (0..<(values.count - offset)).reduce(0) { $0 + Double(values[$1] * values[$1 + offset]) } / count
        }
        for offset in [1, 256, plane, 2 * plane] {
            #expect(abs(correlation(offset)) < 4 / count.squareRoot(), "offset \(offset)")
        }
    }

    @Test func aPartHasTheNoiseOfTheWhole() throws {
        let field = NoiseField(seed: 99, sample: 2)
        let whole = try field.tensor(step: 3, channels: 5, height: 40, width: 56)
        let part = try field.tensor(step: 3, channels: 5, height: 9, width: 17, row: 11, column: 23)
        let cut = try whole.narrowed(2, start: 11, count: 9).narrowed(3, start: 23, count: 17)
        #expect(try part.floats() == cut.floats())
        // More channels keep the noise of the first ones.
        let three = try field.tensor(step: 3, channels: 3, height: 40, width: 56)
        #expect(try three.floats() == whole.narrowed(1, start: 0, count: 3).floats())
    }

    @Test func noiseDoesNotDependOnThreads() async throws {
        let before = Device.threads
        defer { try? Device.setThreads(before) }
        func noise() throws -> [UInt8] {
            try NoiseField(seed: 8).tensor(step: 1, channels: 3, height: 50, width: 70).bytes()
        }
        try Device.setThreads(1)
        let one = try noise()
        try Device.setThreads(2)
        #expect(try noise() == one)
        try await withThrowingTaskGroup(of: [UInt8].self) { group in
            for _ in 0..<4 { group.addTask { try noise() } }
            for try await found in group { #expect(found == one) }
        }
    }

    /// The noise of any two addresses is independent: their correlation is that of chance.
    @Test func everyPartOfTheAddressCounts() throws {
        func noise(seed: UInt64 = 5, sample: Int = 0, step: Int = 0) throws -> [Float] {
            try NoiseField(seed: seed, sample: sample).tensor(step: step, channels: 8, height: 32, width: 32)
                .floats()
        }
        let fields = try [
            noise(), noise(seed: 6), noise(seed: 5 | 1 << 32), noise(sample: 1), noise(sample: 255),
            noise(sample: 256),
            noise(sample: 257), noise(step: 1), noise(step: 2), noise(step: 256), noise(step: 2000),
            noise(sample: 1, step: 1),
        ]
        let bound = 5 / Double(fields[0].count).squareRoot()
        for first in fields.indices {
            for second in fields.indices where second > first {
                let product = zip(fields[first], fields[second]).reduce(0) { $0 + Double($1.0 * $1.1) }
                #expect(abs(product / Double(fields[0].count)) < bound, "\(first) and \(second)")
            }
            // Nor do the two groups of four channels of one field.
            let half = fields[first].count / 2
            let product = (0..<half).reduce(0) { $0 + Double(fields[first][$1] * fields[first][$1 + half]) }
            #expect(abs(product / Double(half)) < bound * 2.0.squareRoot(), "\(first)")
        }
        #expect(try noise() == fields[0])
    }

    @Test func noiseForTrainingIsSeeded() throws {
        let like = try Tensor.zeros([2, 3, 16, 16])
        let noise = try NoiseSource.normal(like: like, seed: 4)
        #expect(noise.shape == like.shape)
        #expect(try like.floats().allSatisfy { $0 == 0 }, "the model tensor must not be written to")
        #expect(try noise.floats() != NoiseSource.normal(like: like, seed: 5).floats())
    }

    /// One generator serves all threads, and what one draws must not be another's.
    @Test func noiseForTrainingIsThatOfItsSeedWhateverOtherThreadsDraw() throws {
        let like = try Tensor.zeros([1, 3, 48, 64])
        let wanted = try (0..<4).map { try NoiseSource.normal(like: like, seed: UInt64($0)).floats() }
        let wrong = Mutex(0)
        DispatchQueue.concurrentPerform(iterations: 4000) { index in
            let found = try? NoiseSource.normal(like: Tensor.zeros([1, 3, 48, 64]), seed: UInt64(index % 4))
                .floats()
            if found != wanted[index % 4] { wrong.withLock { $0 += 1 } }
        }
        #expect(wrong.withLock { $0 } == 0)
    }
}
