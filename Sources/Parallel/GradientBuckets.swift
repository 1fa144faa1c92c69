import Tensors

/// Averages gradients over all ranks while the backward pass goes on.
///
/// Parameters are grouped, the last registered first, because their gradients come first. As soon as
/// all gradients of a bucket are there they are added up with those of the other ranks, in the
/// order of buckets, so that every rank asks for the same sums in the same order.
///
/// Source: Li et al., "PyTorch Distributed: experiences on accelerating data parallel training",
/// VLDB 2020.
public final class GradientBuckets {
    /// 25 MiB, as in the source, but at least four buckets: a small network's would all end at once.
    public static func standardBytes(gradientBytes: Int) -> Int {
        min(25 << 20, max(64 << 10, gradientBytes / 4))
    }

    private let communicator: Communicator
    private let buckets: [Bucket]
    private let slots: [Slot]
    /// At the end of the last bucket.
    private let carried: Tensor?
    /// What went wrong inside the backward pass, which can throw nothing of ours.
    private var failure: (any Error)?
    private var isActive = false
    /// Buckets whose sums were begun.
    private var begun = 0

    /// Where a parameter's gradient lies.
    private final class Slot {
        let parameter: Tensor
        /// Of the bucket's memory, in the parameter's shape.
        let place: Tensor
        let bucket: Bucket
        var isFilled = false

        init(_ parameter: Tensor, place: Tensor, bucket: Bucket) {
            self.parameter = parameter
            self.place = place
            self.bucket = bucket
        }
    }

    private final class Bucket {
        let values: Tensor
        /// Memory of the CPU for an MPI that cannot read a GPU's.
        let staging: Tensor?
        var count = 0
        var missing = 0
        var mark: DeviceMark?
        var sum: PendingSum?

        init(count: Int, device: Device, isStaged: Bool) throws {
            values = try Tensor.zeros([count], device: device)
            staging = try isStaged ? Bucket.pinned(count) : nil
        }

        private static let empty = Operator("aten::empty.memory_format")

        /// Memory that a GPU can copy to and from while the CPU goes on.
        private static func pinned(_ count: Int) throws -> Tensor {
            try empty.one(.ints([count]), .int(Int(DType.float32.rawValue)), .none, .none, .bool(true))
        }
    }

    /// - Parameters:
    ///   - parameters: float32, in the order in which the network uses them.
    ///   - bucketBytes: how many bytes are added up at once; nil for ``standardBytes(gradientBytes:)``.
    ///   - carriedCount: how many numbers beside the gradients go with each step.
    public init(
        _ parameters: [Tensor], communicator: Communicator, bucketBytes: Int? = nil, carriedCount: Int = 0
    ) throws {
        self.communicator = communicator
        guard communicator.isParallel, let first = parameters.first else {
            (buckets, slots, carried) = ([], [], nil)
            return
        }
        guard parameters.allSatisfy({ $0.dtype == .float32 && $0.device == first.device }) else {
            throw ParallelError("gradients are averaged in float32, on one device")
        }
        let limit =
            max(
                4,
                bucketBytes
                    ?? Self.standardBytes(gradientBytes: parameters.reduce(0) { $0 + $1.count * 4 })) / 4
        var groups: [[Tensor]] = [[]]
        var filled = 0
        for parameter in parameters.reversed() {
            if filled > 0, filled + parameter.count > limit {
                groups.append([])
                filled = 0
            }
            groups[groups.count - 1].append(parameter)
            filled += parameter.count
        }
        let isStaged = first.device.isCUDA && !communicator.readsCUDA
        var (buckets, slots): ([Bucket], [Slot]) = ([], [])
        for (index, group) in groups.enumerated() {
            let more = index == groups.count - 1 ? carriedCount : 0
            let bucket = try Bucket(
                count: group.reduce(more) { $0 + $1.count }, device: first.device, isStaged: isStaged)
            for parameter in group {
                let place = try bucket.values.narrowed(0, start: bucket.count, count: parameter.count)
                slots.append(
                    Slot(parameter, place: try place.reshaped(parameter.shape), bucket: bucket))
                bucket.count += parameter.count
            }
            buckets.append(bucket)
        }
        (self.buckets, self.slots) = (buckets, slots)
        carried = try buckets.last.flatMap {
            try carriedCount > 0
                ? $0.values.narrowed(0, start: $0.count, count: carriedCount) : nil
        }
        for slot in slots {
            try slot.parameter.setGradientHook { [weak self, unowned slot] in self?.isThere(slot) }
        }
    }

    deinit { for slot in slots { try? slot.parameter.setGradientHook(nil) } }

    /// How many sums a step takes.
    public var count: Int { buckets.count }

    /// How many of them the last step began before its backward pass was over.
    public private(set) var overlappedCount = 0

    /// Runs a backward pass and leaves the mean of all ranks' gradients in the parameters. Where
    /// gradients are accumulated over several passes only the last one goes through here.
    ///
    /// - Parameters:
    ///   - values: float32, `carriedCount` numbers of this rank.
    ///   - backward: adds to the parameters' gradients.
    /// - Returns: the mean of `values` over all ranks, on the parameters' device.
    @discardableResult
    public func average(carrying values: Tensor? = nil, _ backward: () throws -> Void) throws -> Tensor? {
        guard communicator.isParallel else {
            try backward()
            return values
        }
        try begin(carrying: values)
        do {
            defer { isActive = false }
            try backward()
        }
        return try noGrad { try finish() }
    }

    private func begin(carrying values: Tensor?) throws {
        guard values?.count ?? 0 == carried?.count ?? 0 else {
            throw ParallelError("\(values?.count ?? 0) numbers are carried, not \(carried?.count ?? 0)")
        }
        (failure, begun, isActive) = (nil, 0, true)
        for bucket in buckets { (bucket.missing, bucket.mark, bucket.sum) = (0, nil, nil) }
        for slot in slots {
            slot.isFilled = false
            slot.bucket.missing += 1
        }
        if let carried, let values { try noGrad { try carried.copy(from: values.detach()) } }
    }

    // MARK: in the backward pass

    /// Called by autograd.
    private func isThere(_ slot: Slot) {
        guard isActive, failure == nil, !slot.isFilled else { return }
        do {
            try noGrad {
                try fill(slot)
                if communicator.allowsOtherThreads || !slot.parameter.device.isCUDA { try advance() }
            }
        } catch {
            failure = error
        }
    }

    private func fill(_ slot: Slot) throws {
        if let gradient = slot.parameter.grad {
            try slot.place.copy(from: gradient)
        } else {
            // No part of this rank's loss; another rank's sum needs its zeros.
            try slot.place.fillZero()
        }
        slot.isFilled = true
        slot.bucket.missing -= 1
        guard slot.bucket.missing == 0 else { return }
        if let staging = slot.bucket.staging {
            try staging.copy(from: slot.bucket.values, nonBlocking: true)
        }
        slot.bucket.mark = try DeviceMark(slot.parameter.device)
    }

    /// Begins the sums that can begin, and lets MPI work on the others: it has no thread of its own.
    private func advance() throws {
        while begun < buckets.count, let mark = buckets[begun].mark, try mark.isReached() { try beginNext() }
        for bucket in buckets[..<begun] { if let sum = bucket.sum { _ = try sum.isDone() } }
    }

    private func beginNext() throws {
        let bucket = buckets[begun]
        bucket.sum = try communicator.beginSum(of: bucket.staging ?? bucket.values)
        begun += 1
    }

    // MARK: after it

    private func finish() throws -> Tensor? {
        if let failure { throw failure }
        overlappedCount = begun
        for slot in slots where !slot.isFilled { try fill(slot) }
        while begun < buckets.count {
            try buckets[begun].mark?.wait()
            try beginNext()
        }
        for bucket in buckets {
            try bucket.sum?.wait()
            if let staging = bucket.staging { try bucket.values.copy(from: staging, nonBlocking: true) }
            try bucket.values.scale(by: 1 / Double(communicator.size))
        }
        for slot in slots { if let gradient = slot.parameter.grad { try gradient.copy(from: slot.place) } }
        return try carried?.clone()
    }
}
