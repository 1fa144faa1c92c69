import Tensors

/// What a user may say about memory and tiles; by itself everything follows from the picture's size and
/// the memory that is free.
public struct Tiling: Sendable, Equatable {
    /// Bytes that restoring may take; nil for most of what is free.
    public var memory: Double?
    /// Sides of the tiles, for trying out; nil for automatic.
    public var side: Int?

    public init(memory: Double? = nil, side: Int? = nil) {
        self.memory = memory
        self.side = side
    }

    /// The part of the free memory that is used when nothing is said.
    private static let share = 0.8

    /// Bytes that may be used on a device; nil where nothing is known.
    public func budget(on device: Device) -> Double? {
        memory ?? device.availableMemory.map { $0 * Self.share }
    }
}
