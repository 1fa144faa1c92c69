import Foundation
import Metrics
import Tensors
import Testing

/// The heads are the authors' own; the trunks, which are large, are random.
@Suite(
    "LPIPS",
    .enabled(
        if: ReferenceValues.isPossible && TestData.exists("metrics/lpips_lin_alex_v0.1.safetensors"),
        ReferenceValues.reason))
struct LPIPSTests {
    private let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("lpips-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    @Test(arguments: LPIPS.Network.allCases) func equalsPyTorch(network: LPIPS.Network) throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let trunk = folder.appendingPathComponent("trunk.pth").path
        let heads = TestData.path("metrics/\(network.headsFile)")
        let (original, bicubic) = try ReferenceValues.pair("test/set5/hr/img_002.png")
        let (a, b) = try (
            bicubic.cropped(height: 97, width: 128), original.cropped(height: 97, width: 128)
        )
        let wanted = try ReferenceValues.values(
            of: "lpips.py", leading: [network.rawValue, heads, trunk], [("a", a), ("b", b)])
        let lpips = try LPIPS(network, trunk: trunk, heads: heads)
        let found = try lpips(a, b)
        print("LPIPS (\(network)) \(found), PyTorch \(wanted)")
        #expect(wanted.count == 1)
        #expect(ReferenceValues.agrees(found, wanted[0]))
        #expect(try lpips(a, a) == 0)

        let least = network.minimumSide
        let small = try Tensor.zeros([1, 3, least, least + 3])
        #expect(try lpips(small, small) == 0)
        let smaller = try Tensor.zeros([1, 3, least - 1, least])
        #expect { try lpips(smaller, smaller) } throws: { "\($0)".contains("at least \(least) pixels") }
        #expect(throws: TensorError.self) { try lpips(a, original) }
        // Another network's heads, and no trunk at all.
        let others = LPIPS.Network.allCases.filter { $0 != network }
        #expect(throws: TensorFileError.self) {
            try LPIPS(network, trunk: trunk, heads: TestData.path("metrics/\(others[0].headsFile)"))
        }
        #expect(throws: TensorFileError.self) { try LPIPS(network, trunk: heads, heads: heads) }
    }

    /// Same architecture, other input: its numbers would be wrong without a word.
    @Test func theTrunkOfCaffeIsRefused() throws {
        let heads = TestData.path("metrics/\(LPIPS.Network.squeeze.headsFile)")
        #expect { try LPIPS(.squeeze, trunk: TestData.path(TestData.trunk), heads: heads) } throws: {
            "\($0)".contains("takes BGR")
        }
    }
}
