import CTorch

/// An n-dimensional array held by libtorch, with its place in the autograd graph.
///
/// A `Tensor` owns its C handle and frees it in `deinit`. Pictures are N×C×H×W, in
/// channels-last memory where speed matters. Operations throw ``TensorError``.
public final class Tensor: @unchecked Sendable {
    // Unchecked: libtorch's tensors are reference counted with atomics, reading from several
    // threads is safe, and the in-place operations say that they are not.
    let handle: OpaquePointer

    init(handle: OpaquePointer) { self.handle = handle }

    deinit { ct_tensor_free(handle) }

    // MARK: making

    /// A tensor on the CPU from bytes in row-major order.
    public init(bytes: UnsafeRawBufferPointer, shape: [Int], dtype: DType) throws {
        let made = ct_tensor_from_bytes(
            bytes.baseAddress, bytes.count, shape.map(Int64.init), shape.count, dtype.rawValue)
        guard let made else { throw TensorError.last("tensor from bytes", [shape]) }
        handle = made
    }

    /// A float32 tensor on the CPU from values in row-major order.
    public convenience init(_ values: [Float], shape: [Int]) throws {
        try self.init(values, shape: shape, dtype: .float32)
    }

    /// A one-dimensional float32 tensor on the CPU.
    public convenience init(_ values: [Float]) throws {
        try self.init(values, shape: [values.count], dtype: .float32)
    }

    /// A one-dimensional int64 tensor on the CPU, for indices.
    public convenience init(indices: [Int]) throws {
        try self.init(indices.map(Int64.init), shape: [indices.count], dtype: .int64)
    }

    /// A tensor on the CPU from values whose Swift type has the layout of `dtype`.
    public convenience init<Scalar: BitwiseCopyable>(_ values: [Scalar], shape: [Int], dtype: DType) throws {
        guard MemoryLayout<Scalar>.size == dtype.byteCount else {
            throw TensorError(
                operation: "tensor from values", shapes: [shape], reason: "the values are not \(dtype)")
        }
        let made = try values.withUnsafeBytes { try Tensor(bytes: $0, shape: shape, dtype: dtype) }
        try self.init(sharing: made)
    }

    private convenience init(sharing other: Tensor) throws {
        guard let shared = ct_tensor_to(other.handle, -1, 0, -1, 0) else {
            throw TensorError.last("share", [other.shape])
        }
        self.init(handle: shared)
    }

    /// A tensor filled with one value.
    public static func full(
        _ shape: [Int], _ value: Double, dtype: DType = .float32, device: Device = .cpu
    ) throws -> Tensor {
        let (sides, number) = (shape.map(Int64.init), device.number)
        guard
            let made = ct_tensor_full(sides, sides.count, value, dtype.rawValue, number.type, number.index)
        else { throw TensorError.last("full", [shape]) }
        return Tensor(handle: made)
    }

    public static func zeros(_ shape: [Int], dtype: DType = .float32, device: Device = .cpu) throws -> Tensor
    {
        try full(shape, 0, dtype: dtype, device: device)
    }

    // MARK: properties

    public var rank: Int { ct_tensor_rank(handle) }

    public var shape: [Int] {
        var sizes = [Int64](repeating: 0, count: rank)
        ct_tensor_shape(handle, &sizes)
        return sizes.map(Int.init)
    }

    public var count: Int { shape.reduce(1, *) }

    public var dtype: DType { DType(rawValue: ct_tensor_dtype(handle)) ?? .float32 }

    public var device: Device {
        ct_tensor_device_type(handle) == 1 ? .cuda(Int(ct_tensor_device_index(handle))) : .cpu
    }

    public var isChannelsLast: Bool { ct_tensor_is_channels_last(handle) != 0 }

    // MARK: values

    /// The raw content in row-major order.
    public func bytes() throws -> [UInt8] {
        let size = count * dtype.byteCount
        var failed = false
        let content = [UInt8](unsafeUninitializedCapacity: size) { buffer, initialized in
            failed = ct_tensor_copy_bytes(handle, buffer.baseAddress, size) != 0
            initialized = failed ? 0 : size
        }
        if failed { throw TensorError.last("read", [shape]) }
        return content
    }

    /// The values as `Float` in row-major order, whatever the dtype and device.
    public func floats() throws -> [Float] {
        let plain = try to(.float32)
        let size = plain.count
        var failed = false
        let content = [Float](unsafeUninitializedCapacity: size) { buffer, initialized in
            failed = ct_tensor_copy_bytes(plain.handle, buffer.baseAddress, size * 4) != 0
            initialized = failed ? 0 : size
        }
        if failed { throw TensorError.last("read", [shape]) }
        return content
    }

    /// The values as `Double` in row-major order, whatever the dtype and device.
    public func doubles() throws -> [Double] {
        let plain = try to(.float64)
        let size = plain.count
        var failed = false
        let content = [Double](unsafeUninitializedCapacity: size) { buffer, initialized in
            failed = ct_tensor_copy_bytes(plain.handle, buffer.baseAddress, size * 8) != 0
            initialized = failed ? 0 : size
        }
        if failed { throw TensorError.last("read", [shape]) }
        return content
    }

    /// The value of a one-element tensor.
    public func item() throws -> Double {
        let plain = try to(.float64)
        guard plain.count == 1 else {
            throw TensorError(operation: "item", shapes: [shape], reason: "there is not exactly one element")
        }
        var value = 0.0
        guard ct_tensor_copy_bytes(plain.handle, &value, 8) == 0 else {
            throw TensorError.last("item", [shape])
        }
        return value
    }

    /// The memory of a contiguous tensor, on the tensor's own device: what is at its address can be
    /// read by the CPU only where the tensor is the CPU's.
    public func withMemory<Result>(_ body: (UnsafeMutableRawBufferPointer) throws -> Result) throws -> Result
    {
        guard let memory = ct_tensor_memory(handle) else {
            throw TensorError(operation: "memory", shapes: [shape], reason: "the tensor is not contiguous")
        }
        return try withExtendedLifetime(self) {
            try body(UnsafeMutableRawBufferPointer(start: memory, count: count * dtype.byteCount))
        }
    }

    /// The memory of an N×C×H×W tensor of the CPU in pixel order, N×H×W, and how many elements a pixel's
    /// channels are after those of the pixel before; nil where memory is laid out otherwise.
    var pixels: (memory: UnsafeMutableRawPointer, stride: Int)? {
        var stride = 0
        guard device == .cpu, let memory = ct_tensor_pixels(handle, &stride) else { return nil }
        return (memory, stride)
    }

    // MARK: moving

    /// The same values on a device. To a GPU they go without anybody waiting for it.
    ///
    /// - Parameter nonBlocking: not to wait for the GPU either where they come from it; the values are then not
    ///   there before it is waited for.
    public func to(_ device: Device, nonBlocking: Bool = false) throws -> Tensor {
        let number = device.number
        guard let moved = ct_tensor_to(handle, number.type, number.index, -1, nonBlocking ? 1 : 0) else {
            throw TensorError.last("to \(device)", [shape])
        }
        return Tensor(handle: moved)
    }

    public func to(_ dtype: DType) throws -> Tensor {
        guard let moved = ct_tensor_to(handle, -1, 0, dtype.rawValue, 0) else {
            throw TensorError.last("to \(dtype)", [shape])
        }
        return Tensor(handle: moved)
    }

    /// The same values in N×H×W×C memory order, shape unchanged.
    public func channelsLast() throws -> Tensor { try Op.contiguous.one(.tensor(self), .int(2)) }

    /// The same values in row-major memory order.
    public func contiguous() throws -> Tensor { try Op.contiguous.one(.tensor(self), .int(0)) }

    public func clone() throws -> Tensor { try Op.clone.one(.tensor(self)) }

    // MARK: autograd

    public var requiresGrad: Bool { ct_tensor_requires_grad(handle) != 0 }

    public func setRequiresGrad(_ required: Bool) throws {
        guard ct_tensor_set_requires_grad(handle, required ? 1 : 0) == 0 else {
            throw TensorError.last("requires grad", [shape])
        }
    }

    /// Adds the gradients of this one-element tensor to the leaves of its graph.
    public func backward() throws {
        guard ct_tensor_backward(handle) == 0 else { throw TensorError.last("backward", [shape]) }
    }

    /// The accumulated gradient of a leaf; nil before the first backward pass.
    public var grad: Tensor? { ct_tensor_grad(handle).map(Tensor.init(handle:)) }

    public func clearGrad() { ct_tensor_clear_grad(handle) }

    /// Calls `body` each time the gradient of this leaf has been accumulated, on the thread of the
    /// backward pass: the caller's on the CPU, one of libtorch's for a GPU. nil takes it away.
    public func setGradientHook(_ body: (() -> Void)?) throws {
        guard let body else {
            guard ct_tensor_set_gradient_hook(handle, nil, nil, nil) == 0 else {
                throw TensorError.last("gradient hook", [shape])
            }
            return
        }
        let box = Unmanaged.passRetained(GradientHook(body)).toOpaque()
        let status = ct_tensor_set_gradient_hook(
            handle, { $0.map { Unmanaged<GradientHook>.fromOpaque($0).takeUnretainedValue().body() } },
            { $0.map { Unmanaged<GradientHook>.fromOpaque($0).release() } }, box)
        guard status == 0 else { throw TensorError.last("gradient hook", [shape]) }
    }

    public func detach() throws -> Tensor { try Op.detach.one(.tensor(self)) }
}

private final class GradientHook {
    let body: () -> Void
    init(_ body: @escaping () -> Void) { self.body = body }
}

/// Runs `body` without recording operations for gradients, on this thread.
@discardableResult
public func noGrad<Result>(_ body: () throws -> Result) rethrows -> Result {
    let before = ct_grad_mode_set(0)
    defer { _ = ct_grad_mode_set(before) }
    return try body()
}

/// Runs `body` with convolutions and matrix products on a device in a smaller type; weights, sums and
/// losses stay float32 (PyTorch's automatic mixed precision).
///
/// - Parameter dtype: `.bfloat16`, or nil for the tensors' own type.
public func autocast<Result>(to dtype: DType?, on device: Device, _ body: () throws -> Result) throws
    -> Result
{
    guard let dtype else { return try body() }
    guard ct_autocast_set(device.number.type, dtype.rawValue) == 0 else {
        throw TensorError.last("autocast", [])
    }
    defer { _ = ct_autocast_set(device.number.type, -1) }
    return try body()
}

/// Number of tensors that Swift holds at this moment; flat over a loop that does not leak.
public var liveTensorCount: Int { Int(ct_live_tensors()) }
