import Foundation
import ImageFiles
import ImageTensors
import Metrics
import Tensors
import Testing

@Suite(
    "NIQE", .enabled(if: TestData.exists(TestData.niqe), "there is no original NIQE model (RESTORE_DATA)"))
struct NIQETests {
    private func original() throws -> NIQEModel { try NIQEModel(path: TestData.path(TestData.niqe)) }

    @Test func degeneratePicturesAreRefused() throws {
        let niqe = try NIQE(model: original())
        let noise = try TestData.synthetic(height: 96, width: 200, seed: 1)
        #expect(try niqe(noise) > 0)
        // One block has no covariance; flat blocks have no shape.
        for picture in [
            try TestData.synthetic(height: 96, width: 191, seed: 1), try Tensor.zeros([1, 3, 192, 192]),
            try TestData.synthetic(height: 95, width: 400, seed: 1),
        ] {
            #expect(throws: TensorError.self) { try niqe(picture) }
        }
        #expect(throws: TensorError.self) { try NIQE(model: original(), border: 5)(noise) }
        #expect(!NIQE.isLargeEnough(height: 96, width: 191))
        #expect(NIQE.isLargeEnough(height: 96, width: 192))
    }

    /// A flat half leaves the other half to be judged.
    @Test func flatBlocksAreLeftOut() throws {
        let texture = try TestData.synthetic(height: 192, width: 192, seed: 5)
        let flat = try Tensor.zeros([1, 3, 192, 192])
        #expect(try NIQE(model: original())(Tensor.concatenated([texture, flat], dim: 3)).isFinite)
    }

    @Test func otherFilesAreRefused() throws {
        #expect(throws: TensorFileError.self) { try NIQEModel(path: TestData.path(TestData.trunk)) }
        #expect(throws: TensorFileError.self) { try NIQEModel(path: TestData.path("metrics/none")) }
    }

    @Test func tooFewBlocksMakeNoModel() throws {
        let picture = try TestData.synthetic(height: 192, width: 192, seed: 5)
        #expect { try NIQEModel.fit([picture]) } throws: { "\($0)".contains("too few") }
    }

    @Test func aModelSurvivesItsFile() throws {
        let pictures = try (0..<5).map { try TestData.synthetic(height: 300, width: 300, seed: $0) }
        let model = try NIQEModel.fit(pictures)
        let path = FileManager.default.temporaryDirectory
            .appendingPathComponent("niqe-\(UUID().uuidString).safetensors").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try model.save(to: path, metadata: ["fitted_on": "waves"])
        let loaded = try NIQEModel(path: path)
        #expect(loaded.origin == .refitted)
        #expect(try original().origin == .original)
        #expect(loaded.metadata["fitted_on"] == "waves")
        #expect(loaded.metadata["pictures"] == "5")
        let picture = try TestData.synthetic(height: 200, width: 200, seed: 9)
        #expect(try NIQE(model: loaded)(picture) == NIQE(model: model)(picture))
    }

    @Test(
        .enabled(if: ReferenceValues.isPossible, ReferenceValues.reason),
        arguments: ["test/set14/hr/img_001.png", "test/bsd100/hr/img_001.png", "test/set14/hr/img_003.png"])
    func equalsNumPy(path: String) throws {
        let (original, bicubic) = try ReferenceValues.pair(path)
        let file = try SafetensorsFile(path: TestData.path(TestData.niqe))
        for picture in [original, bicubic] {
            let wanted = try ReferenceValues.values(
                of: "picture_metrics.py",
                [
                    ("a", ReferenceValues.levels(picture)),
                    ("mean", #require(try file.tensor("mu_pris_param"))),
                    ("covariance", #require(try file.tensor("cov_pris_param"))),
                ], trailing: ["niqe"])
            for (luma, wanted) in zip([NIQE.Luma.gray, .y], wanted) {
                let found = try NIQE(model: self.original(), luma: luma)(picture)
                print("\(path): NIQE (\(luma)) \(found), NumPy \(wanted)")
                #expect(ReferenceValues.agrees(found, wanted))
            }
        }
    }

    /// What BasicSR gives for its test picture, which is Set14's first.
    @Test(.enabled(if: TestData.exists("test/set14"), "there is no folder of test data (RESTORE_DATA)"))
    func baboonScoresAsPublished() throws {
        let image = try Image.read(from: TestData.path("test/set14/hr/img_001.png"))
        #expect(abs(try NIQE(model: original(), luma: .y)(image.tensor()) - 5.7296) < 5e-5)
    }

    /// The shipped model measures on another scale, and must agree about what is worse.
    @Test(.enabled(if: TestData.exists("test/set14"), "there is no folder of test data (RESTORE_DATA)"))
    func bothModelsRankBicubicAsWorse() throws {
        let path = TestData.packageRoot.appendingPathComponent(
            "Sources/Metrics/Models/niqe-refitted.safetensors")
        let models = try [NIQE(model: original()), NIQE(model: NIQEModel(path: path.path))]
        #expect(models[1].model.origin == .refitted)
        var sums = [0.0, 0.0]
        let pairs = try TestData.pairs("set14").filter {
            NIQE.isLargeEnough(height: $0.hr.shape[2], width: $0.hr.shape[3])
        }
        for (name, hr, lr) in pairs {
            let output = try lr.resized(height: hr.shape[2], width: hr.shape[3]).quantized()
            let (of, worse) = try (models.map { try $0(hr) }, models.map { try $0(output) })
            print(
                "NIQE of set14/\(name): original model \(of[0]) → \(worse[0]) bicubic, refitted \(of[1]) → \(worse[1])"
            )
            for index in 0..<2 {
                sums[index] += of[index] / Double(pairs.count)
                #expect(worse[index] > of[index], "\(name)")
            }
        }
        print(
            "NIQE of Set14's originals, mean of \(pairs.count): original model \(sums[0]), refitted \(sums[1])"
        )
    }
}
