// Arithmetic, shapes and reductions. Each function is one ATen operator with its usual
// meaning; all throw `TensorError`.

extension Tensor {
    // MARK: arithmetic

    public static func + (a: Tensor, b: Tensor) throws -> Tensor {
        try Op.addTensor.one(.tensor(a), .tensor(b))
    }
    public static func + (a: Tensor, b: Double) throws -> Tensor {
        try Op.addScalar.one(.tensor(a), .double(b))
    }
    public static func + (a: Double, b: Tensor) throws -> Tensor { try b + a }
    public static func - (a: Tensor, b: Tensor) throws -> Tensor {
        try Op.subTensor.one(.tensor(a), .tensor(b))
    }
    public static func - (a: Tensor, b: Double) throws -> Tensor {
        try Op.subScalar.one(.tensor(a), .double(b))
    }
    public static func - (a: Double, b: Tensor) throws -> Tensor { try (-b) + a }
    public static func * (a: Tensor, b: Tensor) throws -> Tensor {
        try Op.mulTensor.one(.tensor(a), .tensor(b))
    }
    public static func * (a: Tensor, b: Double) throws -> Tensor {
        try Op.mulScalar.one(.tensor(a), .double(b))
    }
    public static func * (a: Double, b: Tensor) throws -> Tensor { try b * a }
    public static func / (a: Tensor, b: Tensor) throws -> Tensor {
        try Op.divTensor.one(.tensor(a), .tensor(b))
    }
    public static func / (a: Tensor, b: Double) throws -> Tensor {
        try Op.divScalar.one(.tensor(a), .double(b))
    }
    public static prefix func - (a: Tensor) throws -> Tensor { try Op.neg.one(.tensor(a)) }

    public func exp() throws -> Tensor { try Op.exp.one(.tensor(self)) }
    public func log() throws -> Tensor { try Op.log.one(.tensor(self)) }
    public func sin() throws -> Tensor { try Op.sin.one(.tensor(self)) }
    public func cos() throws -> Tensor { try Op.cos.one(.tensor(self)) }
    public func squareRoot() throws -> Tensor { try Op.sqrt.one(.tensor(self)) }
    public func magnitude() throws -> Tensor { try Op.abs.one(.tensor(self)) }
    public func squared() throws -> Tensor { try Op.square.one(.tensor(self)) }
    public func rounded() throws -> Tensor { try Op.round.one(.tensor(self)) }
    public func power(_ exponent: Double) throws -> Tensor {
        try Op.pow.one(.tensor(self), .double(exponent))
    }
    public func silu() throws -> Tensor { try Op.silu.one(.tensor(self)) }
    public func relu() throws -> Tensor { try Op.relu.one(.tensor(self)) }
    /// Negative elements are multiplied by `slope`.
    public func leakyReLU(_ slope: Double) throws -> Tensor {
        try Op.leakyReLU.one(.tensor(self), .double(slope))
    }
    /// log(1 + exp(x)).
    public func softplus() throws -> Tensor {
        try Op.softplus.one(.tensor(self), .double(1), .double(20))
    }

    public func clamped(_ low: Double, _ high: Double) throws -> Tensor {
        try Op.clamp.one(.tensor(self), .double(low), .double(high))
    }

    /// `small` where this tensor is at most `limit`, else `large`; all of one shape.
    public func chosen(upTo limit: Double, _ small: Tensor, else large: Tensor) throws -> Tensor {
        try Op.choose.one(
            .tensor(Op.lessOrEqual.one(.tensor(self), .double(limit))), .tensor(small), .tensor(large))
    }

    /// 1 where an element is below `limit`, else 0, in float64.
    public func isBelow(_ limit: Double) throws -> Tensor {
        try Op.less.one(.tensor(self), .double(limit)).to(.float64)
    }

    /// Where an element is above `limit`, as booleans.
    public func isAbove(_ limit: Double) throws -> Tensor {
        try Op.greater.one(.tensor(self), .double(limit))
    }

    /// Of booleans: `chosen` where they are true, else `other`; of shapes that go together.
    public func chosen(_ chosen: Tensor, else other: Tensor) throws -> Tensor {
        try Op.choose.one(.tensor(self), .tensor(chosen), .tensor(other))
    }

    /// Of a number: 0 where it is finite, else 1, in float32 on the same device.
    public func isNotFinite() throws -> Tensor {
        try 1 - Op.isfinite.one(.tensor(self)).to(.float32)
    }

    public func softmax(dim: Int) throws -> Tensor { try Op.softmax.one(.tensor(self), .int(dim)) }

    /// Inverted dropout: each element is zeroed with probability `rate` while training.
    public func dropout(_ rate: Double, training: Bool) throws -> Tensor {
        try Op.dropout.one(.tensor(self), .double(rate), .bool(training))
    }

    // MARK: in place (not safe while another thread uses the tensor)

    public func add(_ other: Tensor, scaledBy alpha: Double = 1) throws {
        try Op.addInPlace([.tensor(self), .tensor(other), .double(alpha)])
    }
    public func scale(by factor: Double) throws { try Op.mulInPlace([.tensor(self), .double(factor)]) }
    /// - Parameter nonBlocking: whether a copy between the CPU and a GPU may go on after the call.
    public func copy(from other: Tensor, nonBlocking: Bool = false) throws {
        try Op.copyInPlace([.tensor(self), .tensor(other), .bool(nonBlocking)])
    }
    public func fillZero() throws { try Op.zeroInPlace([.tensor(self)]) }
    /// Fills with N(mean, std²) from libtorch's generator of this device (training only; see
    /// ``NoiseField`` for noise that is the same everywhere).
    public func fillNormal(mean: Double = 0, std: Double = 1) throws {
        try Op.normalInPlace([.tensor(self), .double(mean), .double(std)])
    }
    public func fillUniform(_ low: Double, _ high: Double) throws {
        try Op.uniformInPlace([.tensor(self), .double(low), .double(high)])
    }

    // MARK: reductions

    public func sum() throws -> Tensor { try Op.sum.one(.tensor(self)) }
    public func sum(_ dims: [Int], keepDims: Bool = false) throws -> Tensor {
        try Op.sumDims.one(.tensor(self), .ints(dims), .bool(keepDims))
    }
    public func mean() throws -> Tensor { try Op.mean.one(.tensor(self)) }
    public func mean(_ dims: [Int], keepDims: Bool = false) throws -> Tensor {
        try Op.meanDims.one(.tensor(self), .ints(dims), .bool(keepDims))
    }
    public func max() throws -> Tensor { try Op.max.one(.tensor(self)) }
    public func min() throws -> Tensor { try Op.min.one(.tensor(self)) }

    /// Whether no element is NaN or infinite.
    public func isFinite() throws -> Bool {
        // One pass tells it nearly always: a sum with NaN or infinity in it is never finite, and one of
        // finite elements only where it overflows.
        if try sum().item().isFinite { return true }
        return try Op.all.one(.tensor(Op.isfinite.one(.tensor(self)))).item() != 0
    }

    // MARK: shapes

    public func reshaped(_ shape: [Int]) throws -> Tensor { try Op.reshape.one(.tensor(self), .ints(shape)) }
    public func permuted(_ order: [Int]) throws -> Tensor { try Op.permute.one(.tensor(self), .ints(order)) }
    public func unsqueezed(_ dim: Int) throws -> Tensor { try Op.unsqueeze.one(.tensor(self), .int(dim)) }
    public func narrowed(_ dim: Int, start: Int, count: Int) throws -> Tensor {
        try Op.narrow.one(.tensor(self), .int(dim), .int(start), .int(count))
    }
    public func expanded(_ shape: [Int]) throws -> Tensor { try Op.expand.one(.tensor(self), .ints(shape)) }
    public func flipped(_ dims: [Int]) throws -> Tensor { try Op.flip.one(.tensor(self), .ints(dims)) }
    /// Shifted along each of `dims`; what leaves at one end enters at the other.
    public func rolled(_ shifts: [Int], dims: [Int]) throws -> Tensor {
        try Op.roll.one(.tensor(self), .ints(shifts), .ints(dims))
    }
    public func selected(_ dim: Int, indices: Tensor) throws -> Tensor {
        try Op.indexSelect.one(.tensor(self), .int(dim), .tensor(indices))
    }
    public func chunks(_ count: Int, dim: Int) throws -> [Tensor] {
        try Op.chunk([.tensor(self), .int(count), .int(dim)], resultLimit: Swift.max(count, 1))
    }
    /// The sums over this tensor's slices along the first dimension, each added to the one of `count` that its index
    /// names.
    public func summed(into count: Int, indices: Tensor) throws -> Tensor {
        let sums = try Tensor.zeros([count] + shape.dropFirst(), dtype: dtype, device: device)
        return try Op.indexAdd.one(.tensor(sums), .int(0), .tensor(indices), .tensor(self))
    }
    /// A length-N tensor as N×1×1×1, to be multiplied with pictures.
    public func perSample() throws -> Tensor { try reshaped([count, 1, 1, 1]) }

    public static func concatenated(_ tensors: [Tensor], dim: Int) throws -> Tensor {
        try Op.cat.one(.tensors(tensors), .int(dim))
    }
    public static func stacked(_ tensors: [Tensor], dim: Int = 0) throws -> Tensor {
        try Op.stack.one(.tensors(tensors), .int(dim))
    }

    // MARK: pictures

    /// N×C×H×W → N×(C·f²)×(H/f)×(W/f).
    public func pixelUnshuffled(_ factor: Int) throws -> Tensor {
        factor == 1 ? self : try Op.pixelUnshuffle.one(.tensor(self), .int(factor))
    }
    /// N×(C·f²)×H×W → N×C×(H·f)×(W·f).
    public func pixelShuffled(_ factor: Int) throws -> Tensor {
        factor == 1 ? self : try Op.pixelShuffle.one(.tensor(self), .int(factor))
    }
    /// Nearest-neighbour enlargement of N×C×H×W by a whole factor.
    public func upsampledNearest(_ factor: Int) throws -> Tensor {
        let size = shape
        return try Op.upsampleNearest.one(.tensor(self), .ints([size[2] * factor, size[3] * factor]))
    }
    public func averagePooled(_ factor: Int) throws -> Tensor {
        try Op.avgPool2d.one(.tensor(self), .ints([factor, factor]))
    }
    public func maxPooled(_ kernel: Int, stride: Int, ceilMode: Bool = false) throws -> Tensor {
        try Op.maxPool2d.one(
            .tensor(self), .ints([kernel, kernel]), .ints([stride, stride]), .ints([0, 0]), .ints([1, 1]),
            .bool(ceilMode))
    }

    /// Of N×C×H×W, the mean of the window×window elements around each, as many as there are; `window` is odd.
    public func movingMean(_ window: Int) throws -> Tensor {
        func along(_ x: Tensor, _ sides: [Int]) throws -> Tensor {
            try Op.avgPool2d.one(
                .tensor(x), .ints(sides), .ints([1, 1]), .ints(sides.map { $0 / 2 }), .bool(false),
                .bool(false),
                .none)
        }
        return try along(along(self, [window, 1]), [1, window])
    }
    /// Of N×C×H×W, the largest of the window×window elements around each; `window` is odd.
    public func movingMaximum(_ window: Int) throws -> Tensor {
        func along(_ x: Tensor, _ sides: [Int]) throws -> Tensor {
            try Op.maxPool2d.one(
                .tensor(x), .ints(sides), .ints([1, 1]), .ints(sides.map { $0 / 2 }), .ints([1, 1]),
                .bool(false))
        }
        return try along(along(self, [window, 1]), [1, window])
    }

    /// N×C×H×W looked at between its pixels, bilinearly; beyond the edge as at the edge.
    ///
    /// - Parameter places: N×h×w×2, x and y, −1 and 1 being the middles of the first and the last pixels.
    /// - Returns: N×C×h×w.
    public func sampled(at places: Tensor) throws -> Tensor {
        let (bilinear, border) = (0, 1)
        return try Op.gridSample.one(
            .tensor(self), .tensor(places), .int(bilinear), .int(border), .bool(true))
    }

    /// Pads height and width at their ends by reflection without repeating the edge.
    ///
    /// One reflection reaches at most `size − 1` pixels, so a small picture is padded in
    /// several rounds; a side of one pixel is repeated.
    public func reflectPadded(bottom: Int, right: Int) throws -> Tensor {
        var padded = self
        var (bottom, right) = (bottom, right)
        while bottom > 0 || right > 0 {
            let size = padded.shape
            if size[2] == 1 && bottom > 0 {
                padded = try Op.pad.one(.tensor(padded), .ints([0, 0, 0, bottom]), .string("replicate"))
                bottom = 0
            } else if size[3] == 1 && right > 0 {
                padded = try Op.pad.one(.tensor(padded), .ints([0, right, 0, 0]), .string("replicate"))
                right = 0
            } else {
                let rows = Swift.min(bottom, size[2] - 1)
                let columns = Swift.min(right, size[3] - 1)
                padded = try Op.pad.one(.tensor(padded), .ints([0, columns, 0, rows]), .string("reflect"))
                bottom -= rows
                right -= columns
            }
        }
        return padded
    }

    /// Pads height and width of N×C×H×W at their ends with zeros.
    public func zeroPadded(bottom: Int, right: Int) throws -> Tensor {
        try Op.pad.one(.tensor(self), .ints([0, right, 0, bottom]), .string("constant"), .double(0))
    }

    /// Pads the sides of N×C×H×W by repeating its edge pixels.
    public func replicatePadded(left: Int, right: Int, top: Int, bottom: Int) throws -> Tensor {
        try Op.pad.one(.tensor(self), .ints([left, right, top, bottom]), .string("replicate"))
    }

    /// The top-left `height`×`width` of each picture.
    public func cropped(height: Int, width: Int) throws -> Tensor {
        let size = shape
        var result = self
        if size[2] != height { result = try result.narrowed(2, start: 0, count: height) }
        if size[3] != width { result = try result.narrowed(3, start: 0, count: width) }
        return result
    }

    /// Each picture without so many pixels at every side.
    public func trimmed(by margin: Int) throws -> Tensor {
        let size = shape
        return try narrowed(2, start: margin, count: size[2] - 2 * margin)
            .narrowed(3, start: margin, count: size[3] - 2 * margin)
    }

    /// Pads every side by reflection without repeating the edge, however small the picture.
    public func reflectPadded(by margin: Int) throws -> Tensor {
        try flipped([2, 3]).reflectPadded(bottom: margin, right: margin).flipped([2, 3])
            .reflectPadded(bottom: margin, right: margin)
    }

    // MARK: Fourier

    /// Half of the two-dimensional Fourier transform of real H×W planes: complex, H×(W/2 + 1),
    /// to be multiplied with its like and brought back by ``inverseFourier(height:width:)``.
    public func fourier(height: Int, width: Int) throws -> Tensor {
        try Op.rfft2.one(.tensor(self), .ints([height, width]))
    }
    /// The real H×W planes of half a Fourier transform.
    public func inverseFourier(height: Int, width: Int) throws -> Tensor {
        try Op.irfft2.one(.tensor(self), .ints([height, width]))
    }

    /// Of complex numbers; real ones stay as they are.
    public func conjugated() throws -> Tensor { try Op.conjugate.one(.tensor(self)) }

    /// Complex numbers as pairs of real and imaginary part, in the same memory: one more dimension, of 2.
    public func complexParts() throws -> Tensor { try Op.viewAsReal.one(.tensor(self)) }

    // MARK: linear algebra and networks

    public func matmul(_ other: Tensor) throws -> Tensor { try Op.matmul.one(.tensor(self), .tensor(other)) }

    /// A matrix with rows and columns exchanged.
    public func transposed() throws -> Tensor { try permuted([1, 0]) }

    /// Eigenvalues, rising, and eigenvectors, as columns, of a symmetric matrix of which only the
    /// lower triangle is read.
    public func eigenSymmetric() throws -> (values: Tensor, vectors: Tensor) {
        let parts = try Op.eigenSymmetric([.tensor(self)])
        guard parts.count == 2 else {
            throw TensorError(operation: "eigenSymmetric", shapes: [shape], reason: "there is no result")
        }
        return (parts[0], parts[1])
    }

    public func convolved(
        _ weight: Tensor, bias: Tensor? = nil, stride: Int = 1, padding: Int = 0, groups: Int = 1
    ) throws -> Tensor {
        try Op.conv2d.one(
            .tensor(self), .tensor(weight), bias.map(OperatorArgument.tensor) ?? .none,
            .ints([stride, stride]),
            .ints([padding, padding]), .ints([1, 1]), .int(groups))
    }

    /// Softmax(QKᵀ/√d)·V of N×heads×positions×d tensors.
    public static func attention(query: Tensor, key: Tensor, value: Tensor) throws -> Tensor {
        try Op.attention.one(.tensor(query), .tensor(key), .tensor(value))
    }

    public func meanSquaredError(to other: Tensor) throws -> Tensor {
        try Op.mseLoss.one(.tensor(self), .tensor(other))
    }
    public func meanAbsoluteError(to other: Tensor) throws -> Tensor {
        try Op.l1Loss.one(.tensor(self), .tensor(other))
    }
}
