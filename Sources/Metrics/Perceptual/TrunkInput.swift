import Tensors

/// How a picture is scaled for the trunk that sees it.
enum TrunkInput: Sendable {
    /// Caffe's: BGR, 0…255, minus (103.939, 116.779, 123.68).
    case caffe
    /// LPIPS's scaling layer, version 0.1: [-1, 1] minus (−0.030, −0.088, −0.188), divided by
    /// (0.458, 0.448, 0.450). It is torchvision's scaling, rounded.
    case torchvision

    /// The input of a trunk.
    ///
    /// - Parameter picture: 1×C×H×W in [-1, 1], C = 1 or 3; rounded to 8 bits.
    /// - Returns: 1×3×H×W, float32, on `device`.
    func scaled(_ picture: Tensor, device: Device) throws -> Tensor {
        let shape = picture.shape
        let rgb = try grayLevels(picture).to(device).expanded([1, 3, shape[2], shape[3]])
        switch self {
        case .caffe:
            let blueGreenRed = try rgb.selected(1, indices: Tensor(indices: [2, 1, 0]).to(device))
            return try blueGreenRed.to(.float32) - Self.perChannel([103.939, 116.779, 123.68], device)
        case .torchvision:
            let signed = try (rgb / 127.5 - 1).to(.float32)
            return try (signed - Self.perChannel([-0.030, -0.088, -0.188], device))
                / Self.perChannel([0.458, 0.448, 0.450], device)
        }
    }

    private static func perChannel(_ values: [Float], _ device: Device) throws -> Tensor {
        try Tensor(values, shape: [1, 3, 1, 1]).to(device)
    }
}
