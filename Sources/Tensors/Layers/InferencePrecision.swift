import CKernels

/// The number format of a network's convolutions when it restores.
public enum InferencePrecision: String, Sendable, CaseIterable {
    case float32
    /// Integers of 16 bits at most between Winograd's transforms, sums in 32 bits, on the CPU
    /// (``WinogradConvolution``).
    case int16
    /// Bytes for weights and for what is convolved, sums in 32 bits, on the CPU (``QuantizedConvolution``).
    case int8
    /// Eight bits of mantissa for all that a network computes, sums in 32 bits, on a CUDA device.
    case bfloat16

    /// Whether this machine's CPU computes in it faster than in float32.
    public var isSupported: Bool {
        switch self {
        case .float32: true
        case .int16: ck_has_int16() != 0
        case .int8:
            ck_has_int8() != 0 && Op.packQuantized.exists && Op.quantizedConvolution.exists
                && Op.quantizedConvolutionAdd.exists
        case .bfloat16: false
        }
    }

    /// - Throws: ``PrecisionError`` where a device does not compute in it.
    public func requireSupport(on device: Device) throws {
        switch self {
        case .float32: break
        case .int16, .int8:
            guard device == .cpu else { throw PrecisionError("\(self) is for the CPU, not for \(device)") }
            guard isSupported else {
                let needed = self == .int8 ? "VNNI (Intel from 2019, AMD from 2022)" : "AVX2"
                throw PrecisionError("\(self) needs a processor with \(needed)")
            }
        case .bfloat16:
            guard device.isCUDA else {
                throw PrecisionError("bfloat16 is for CUDA devices, not for the CPU")
            }
        }
    }

    /// What is convolved on a CUDA device.
    var deviceType: DType { self == .bfloat16 ? .bfloat16 : .float32 }
}

/// Why a number format cannot be used.
public struct PrecisionError: Error, CustomStringConvertible, Sendable {
    public let description: String
    init(_ description: String) { self.description = description }
}
