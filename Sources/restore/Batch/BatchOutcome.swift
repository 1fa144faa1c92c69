import Foundation

/// What became of a job, in a form that can travel to the rank that tells it.
struct BatchOutcome: Codable, Sendable {
    struct Size: Codable, Sendable {
        var width: Int
        var height: Int
    }

    struct Defect: Codable, Sendable {
        var sentence: String
        /// The exit status it stands for.
        var status: Int32
        /// Of the picture, which will take no time.
        var pixels: Double
    }

    /// Of the job's entry in the plan.
    let index: Int
    /// nil for a picture that is done.
    var failure: Defect?
    /// What a lenient reading had to do without.
    var notes: [String] = []
    var inputSize: Size?
    var outputSize: Size?
    var seconds: Double?
    var model: String?
    var method: String?
    var seed: UInt64?

    init(index: Int) { self.index = index }

    init(index: Int, failed error: any Error, pixels: Double, work: PictureWork? = nil) {
        self.index = index
        failure = Defect(
            sentence: "\(error)", status: Failure.status(of: error) ?? EX_SOFTWARE, pixels: pixels)
        (model, method, seed) = (work?.model, work?.method, work?.seed)
    }
}
