import CKernels

/// The number format of a network's convolutions when it restores on the CPU.
public enum InferencePrecision: String, Sendable, CaseIterable {
    case float32
    /// Bytes for weights and for what is convolved, sums in 32 bits; several times as fast, and rounded.
    case int8

    /// Whether this machine computes in it faster than in float32.
    public var isSupported: Bool {
        switch self {
        case .float32: true
        case .int8:
            ck_has_int8() != 0 && Op.packQuantized.exists && Op.quantizedConvolution.exists
                && Op.quantizedConvolutionAdd.exists
        }
    }

    /// - Throws: ``PrecisionError`` where a device does not compute in it.
    public func requireSupport(on device: Device) throws {
        guard self == .int8 else { return }
        guard device == .cpu else { throw PrecisionError("int8 is for the CPU, not for \(device)") }
        guard isSupported else {
            throw PrecisionError("int8 needs a processor with VNNI (Intel from 2019, AMD from 2022)")
        }
    }
}

/// Why a number format cannot be used.
public struct PrecisionError: Error, CustomStringConvertible, Sendable {
    public let description: String
    init(_ description: String) { self.description = description }
}
