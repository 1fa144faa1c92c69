import Tensors

/// The shape of a ``UNet``. Stored with the weights, so that a file rebuilds its network.
public struct UNetConfiguration: Sendable, Codable, Equatable {
    public enum Norm: String, Sendable, Codable, CaseIterable {
        /// Group normalisation, 32 groups or fewer, of four channels or more.
        case group
        /// None: the statistics of a patch and of a full picture cannot differ.
        case none
    }

    public enum LevelConditioning: String, Sendable, Codable, CaseIterable {
        /// Feature-wise affine: h·(1 + scale) + shift.
        case affine
        /// h + shift; costs nothing at inference, where it is folded into a convolution's bias.
        case bias
        /// The level is not used: a plain network from picture to picture.
        case none
    }

    /// How features of the way down reach the way up.
    public enum SkipConnections: String, Sendable, Codable, CaseIterable {
        /// Those of each level's last block are added once: convolutions stay narrow.
        case added
        /// Those of every block and size change are concatenated, each to one of `blocks` + 1 blocks
        /// of the way up, as in DDPM (Ho et al. 2020) and the papers built on it.
        case concatenated
    }

    /// How the size halves and doubles between levels.
    public enum Resampling: String, Sendable, Codable, CaseIterable {
        /// Patches of 2×2 pixels: a convolution of their size down, a pixel shuffle up.
        case patches
        /// 3×3 convolutions, of stride 2 down, after nearest neighbour up (Ho et al. 2020).
        case strided
        /// The same, padded at the bottom and on the right alone on the way down, as TensorFlow does.
        case stridedAtEnd
    }

    /// Where the middle of the network has attention.
    public enum MiddleAttention: String, Sendable, Codable, CaseIterable {
        /// As the last level has it.
        case asLevel
        /// Once, after the first middle block (Ho et al. 2020).
        case once
        case none
    }

    /// Channels of the noisy picture and of the prediction.
    public var imageChannels: Int
    /// Channels of the condition that is concatenated; 0 for none.
    public var conditionChannels: Int
    /// Channels at the first level.
    public var baseWidth: Int
    /// Width of each level as a multiple of `baseWidth`; each further level halves the size.
    public var multipliers: [Int]
    /// Residual blocks a level, on the way down and on the way up.
    public var blocks: Int
    /// Levels (0 is the first) with self-attention after each block; none by default, because
    /// attention makes a network see another world on a full picture than on a patch.
    public var attentionLevels: [Int]
    public var dropout: Double
    public var norm: Norm
    public var levelConditioning: LevelConditioning
    /// Pixel-unshuffle factor at the network's door: 1, 2 or 4.
    public var patchSize: Int
    /// Whether size changes are residual blocks; else plain convolutions.
    public var residualResampling: Bool
    public var skipConnections: SkipConnections
    /// How plain size changes are made.
    public var resampling: Resampling
    public var middleAttention: MiddleAttention
    /// Channels of a head of attention, where they divide a level's; 0 for a single head.
    public var headWidth: Int
    /// Groups of every group normalisation; 0 to choose by the number of channels.
    public var groups: Int
    /// What group normalisation adds to the variance.
    public var normEpsilon: Double
    /// What the blocks are told of the noise.
    public var levelEncoding: LevelEncoding

    public init(
        imageChannels: Int = 3, conditionChannels: Int = 3, baseWidth: Int = 64,
        multipliers: [Int] = [1, 2, 3],
        blocks: Int = 3, attentionLevels: [Int] = [], dropout: Double = 0, norm: Norm = .none,
        levelConditioning: LevelConditioning = .bias, patchSize: Int = 4, residualResampling: Bool = false,
        skipConnections: SkipConnections = .added, resampling: Resampling = .patches,
        middleAttention: MiddleAttention = .asLevel, headWidth: Int = 64, groups: Int = 0,
        normEpsilon: Double = 1e-5, levelEncoding: LevelEncoding = .logSNR
    ) {
        self.imageChannels = imageChannels
        self.conditionChannels = conditionChannels
        self.baseWidth = baseWidth
        self.multipliers = multipliers
        self.blocks = blocks
        self.attentionLevels = attentionLevels
        self.dropout = dropout
        self.norm = norm
        self.levelConditioning = levelConditioning
        self.patchSize = patchSize
        self.residualResampling = residualResampling
        self.skipConnections = skipConnections
        self.resampling = resampling
        self.middleAttention = middleAttention
        self.headWidth = headWidth
        self.groups = groups
        self.normEpsilon = normEpsilon
        self.levelEncoding = levelEncoding
    }

    private enum CodingKeys: String, CodingKey, CaseIterable {
        case imageChannels, conditionChannels, baseWidth, multipliers, blocks, attentionLevels, dropout, norm
        case levelConditioning, patchSize, residualResampling, skipConnections, resampling, middleAttention
        case headWidth, groups, normEpsilon, levelEncoding
    }

    /// Missing keys take the defaults, so that a recipe names only what it changes.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        let standard = UNetConfiguration()
        func read<Value: Decodable>(_ key: CodingKeys, _ value: Value) throws -> Value {
            try values.decodeIfPresent(Value.self, forKey: key) ?? value
        }
        imageChannels = try read(.imageChannels, standard.imageChannels)
        conditionChannels = try read(.conditionChannels, standard.conditionChannels)
        baseWidth = try read(.baseWidth, standard.baseWidth)
        multipliers = try read(.multipliers, standard.multipliers)
        blocks = try read(.blocks, standard.blocks)
        attentionLevels = try read(.attentionLevels, standard.attentionLevels)
        dropout = try read(.dropout, standard.dropout)
        norm = try read(.norm, standard.norm)
        levelConditioning = try read(.levelConditioning, standard.levelConditioning)
        patchSize = try read(.patchSize, standard.patchSize)
        residualResampling = try read(.residualResampling, standard.residualResampling)
        skipConnections = try read(.skipConnections, standard.skipConnections)
        resampling = try read(.resampling, standard.resampling)
        middleAttention = try read(.middleAttention, standard.middleAttention)
        headWidth = try read(.headWidth, standard.headWidth)
        groups = try read(.groups, standard.groups)
        normEpsilon = try read(.normEpsilon, standard.normEpsilon)
        levelEncoding = try read(.levelEncoding, standard.levelEncoding)
        try validate()
    }

    /// Height and width are padded to a multiple of this.
    public var multiple: Int { patchSize << (multipliers.count - 1) }

    /// How many heads attention over that many channels has.
    func heads(_ channels: Int) -> Int {
        headWidth > 0 && channels % headWidth == 0 ? channels / headWidth : 1
    }

    /// A group normalisation of that many channels.
    ///
    /// - Throws: ``NetworkError`` where ``groups`` does not divide them.
    func normalization(_ channels: Int, _ initializer: Initializer) throws -> GroupNorm {
        let count = groups > 0 ? groups : Self.groups(channels)
        guard channels % count == 0 else {
            throw NetworkError(
                "groups must divide the channels of every block: \(channels) are not \(count) groups")
        }
        return try GroupNorm(groups: count, channels: channels, epsilon: normEpsilon, initializer)
    }

    /// The largest number of groups up to 32 that divides the channels into groups of at least
    /// four: a group of one channel would take away the very shift that the level adds.
    static func groups(_ channels: Int) -> Int {
        (1...max(1, min(32, channels / 4))).last { channels % $0 == 0 } ?? 1
    }

    /// - Throws: ``NetworkError`` naming the setting that cannot be, or ``ScheduleError``.
    public func validate() throws {
        func check(_ condition: Bool, _ message: String) throws {
            if !condition { throw NetworkError(message) }
        }
        try check((1...64).contains(imageChannels), "imageChannels must be 1 to 64")
        try check((0...64).contains(conditionChannels), "conditionChannels must be 0 to 64")
        try check(
            (4...1024).contains(baseWidth) && baseWidth % 4 == 0,
            "baseWidth must be 4 to 1024, a multiple of 4")
        try check((1...8).contains(multipliers.count), "there must be 1 to 8 multipliers")
        try check(multipliers.allSatisfy { (1...32).contains($0) }, "each multiplier must be 1 to 32")
        try check((1...16).contains(blocks), "blocks must be 1 to 16")
        try check(
            attentionLevels.allSatisfy { multipliers.indices.contains($0) },
            "attentionLevels must be among the levels 0 to \(multipliers.count - 1)")
        try check(dropout >= 0 && dropout < 1, "dropout must be at least 0 and below 1")
        try check([1, 2, 4].contains(patchSize), "patchSize must be 1, 2 or 4")
        try check(
            resampling == .patches || !residualResampling,
            "residualResampling and resampling \(resampling.rawValue) exclude each other")
        try check((0...1024).contains(headWidth), "headWidth must be 0 to 1024")
        try check((0...1024).contains(groups), "groups must be 0 to 1024")
        try check(normEpsilon > 0 && normEpsilon < 1, "normEpsilon must be above 0 and below 1")
        try levelEncoding.validate()
    }
}

/// Why a network cannot be built or used.
public struct NetworkError: Error, CustomStringConvertible, Sendable {
    public let description: String
    public init(_ description: String) { self.description = description }
}
