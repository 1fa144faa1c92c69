import Diffusion
import ImageTensors
import Tensors

/// Makes a kernel that was found by edges more like one that a camera makes.
///
/// Division finds the strong parts of a kernel; faint ones, as where a hand moved fast, drown in noise, and without them the kernel's
/// centroid, and the picture with it, lies elsewhere. What such paths look like is learnt, from kernels that are
/// known. The network is the engine's U-Net over planes of a kernel's size, so it takes a few milliseconds; its output z is added
/// to the logarithm of the kernel k that was found, softmax(log(k + ε) + z), which keeps values positive and their sum 1.
/// Untrained it leaves kernels as they are.
///
/// Source: that a network can take the place of hand-made rules for the kernel between steps of deconvolution is the idea of
/// Schuler, Hirsch, Harmeling and Schölkopf, "Learning to deblur", IEEE TPAMI 38, 2016.
public final class KernelNetwork: Module, @unchecked Sendable {
    // Unchecked: several threads ask it at once, and only training changes it.

    /// Side of the planes that it sees and of the kernels that it makes, odd, pixels.
    public let side: Int
    private let network: UNet

    /// ε: what a pixel outside the kernel that was found has to grow from.
    private static let floor = 1e-5

    /// The channels that follow from the task.
    static func fitted(_ configuration: UNetConfiguration) -> UNetConfiguration {
        var fitted = configuration
        (fitted.imageChannels, fitted.conditionChannels) = (1, KernelClues.planeCount - 1)
        return fitted
    }

    /// - Parameters:
    ///   - configuration: its channels are set.
    ///   - kernelSide: of the kernel that edges tell, odd.
    init(_ configuration: UNetConfiguration, kernelSide: Int, seed: UInt64?, device: Device) throws {
        side = KernelClues.side(of: kernelSide)
        network = try UNet(Self.fitted(configuration), seed: seed, device: device)
        super.init()
        _ = register("network", network)
    }

    /// N×planes×side×side of ``KernelClues`` → kernels of sum 1, N×1×side×side; not centred.
    public func callAsFunction(_ clues: Tensor) throws -> Tensor {
        let guesses = try KernelClues.guesses(in: clues)
        let level = try Tensor.full([1], 1, device: clues.device)
        let condition = try clues.narrowed(1, start: 1, count: clues.shape[1] - 1)
        let change = try network(
            clues.narrowed(1, start: 0, count: 1), condition: condition, signalLevel: level)
        return try ((guesses + Self.floor).log() + change).reshaped([clues.shape[0], side * side])
            .softmax(dim: 1).reshaped([clues.shape[0], 1, side, side])
    }

    static let usualPoses = Tensor.poses.count

    /// One kernel, moved to its middle: the mean of what is made of some poses, since errors differ in them.
    ///
    /// - Parameter count: of poses, 1…8; of two the second is turned by half a turn and mirrored.
    func kernel(_ clues: KernelClues, poses count: Int = usualPoses) throws -> KernelGuess {
        let device = parameters.first?.value.device ?? .cpu
        let planes = try Tensor(clues.values, shape: [1, KernelClues.planeCount, clues.side, clues.side])
            .to(device)
        let poses = count == 2 ? [Tensor.poses[0], Tensor.poses[7]] : Array(Tensor.poses.prefix(count))
        let made = try self(Tensor.concatenated(poses.map { try planes.posed($0) }, dim: 0))
        var sum = try Tensor.zeros([1, 1, clues.side, clues.side], device: device)
        for (index, pose) in poses.enumerated() {
            sum = try sum + made.narrowed(0, start: index, count: 1).unposed(pose)
        }
        let values = try (sum / Double(poses.count)).to(.cpu).contiguous().floats()
        return KernelGuess(side: clues.side, values: values).centred
    }
}
