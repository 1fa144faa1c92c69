import Foundation

/// What became of one picture: a line of `--json`. Every key is always there.
struct BatchRecord: Encodable {
    enum Status: String, Encodable {
        case done, skipped, failed
    }

    let input: String
    var output: String?
    let status: Status
    /// Why it was skipped or failed, or what a lenient reading had to do without.
    var reason: String?
    var inputSize: (width: Int, height: Int)?
    var outputSize: (width: Int, height: Int)?
    var seconds: Double?
    var model: String?
    var method: String?
    var seed: UInt64?

    private enum CodingKeys: String, CodingKey {
        case type, input, output, status, reason, seconds, model, method, seed
        case inputWidth = "input_width"
        case inputHeight = "input_height"
        case outputWidth = "output_width"
        case outputHeight = "output_height"
    }

    func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode("picture", forKey: .type)
        try values.encode(input, forKey: .input)
        try values.encode(output, forKey: .output)
        try values.encode(status, forKey: .status)
        try values.encode(reason, forKey: .reason)
        try values.encode(inputSize?.width, forKey: .inputWidth)
        try values.encode(inputSize?.height, forKey: .inputHeight)
        try values.encode(outputSize?.width, forKey: .outputWidth)
        try values.encode(outputSize?.height, forKey: .outputHeight)
        try values.encode(seconds, forKey: .seconds)
        try values.encode(model, forKey: .model)
        try values.encode(method, forKey: .method)
        try values.encode(seed, forKey: .seed)
    }
}
