import ImageFiles

/// What a command does to one picture, and how the outputs' records call it.
struct PictureWork {
    /// The model's name or file.
    let model: String
    /// Steps, sampler, samples.
    let method: String
    /// nil where nothing is drawn.
    let seed: UInt64?
    /// Is given a picture, its job, and what to call with (network steps done, network steps in all).
    let restore: (Image, PictureJob, @escaping (Int, Int) -> Void) throws -> RestoredPicture
}
