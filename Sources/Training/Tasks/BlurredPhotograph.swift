import Degradation
import Tensors

/// A part of a photograph and how it is to be blurred, drawn before it is made.
struct BlurredPhotograph: Sendable {
    let crop: PhotoCollection.Crop
    /// Sides of it, with the margins.
    let size: Int
    let draw: BlurDegradation.Draw
    /// The numbers that its noise is drawn from.
    let rest: CounterStream

    /// - Parameters:
    ///   - some: indices of the photographs that it may be of, each as often as the others; nil for all, weighed by area.
    ///   - side: without the margins, at most.
    ///   - random: its own.
    init(
        of photos: PhotoCollection, among some: [Int]? = nil, side: Int, degradation: BlurDegradation,
        using random: inout CounterStream
    ) {
        let place = random.uniform()
        let photo =
            some.map { $0[min($0.count - 1, Int(place * Double($0.count)))] } ?? photos.pick(place)
        size = min(
            side + 2 * degradation.margin, photos.photos[photo].width, photos.photos[photo].height)
        crop = photos.crop(of: photo, size: size, using: &random)
        draw = degradation.draw(using: &random)
        rest = random
    }

    /// Blurred, without its margins, and sharp, 1×3×H×W in [-1, 1]; without noise and compression.
    func exposed(from photos: PhotoCollection, margin: Int) throws -> (blurred: Tensor, sharp: Tensor) {
        let around = try photos.batch([crop], size: size).to(.cpu).to(.float32) / 127.5 - 1
        let (blurred, scene) = try DeblurTraining.exposed(around, margin: margin, draws: [draw])
        return (blurred, try scene.trimmed(by: margin))
    }

    /// With the noise and compression of a draw.
    static func finished(_ clean: Tensor, _ draw: BlurDegradation.Draw, _ rest: CounterStream) throws
        -> Tensor
    {
        var rest = rest
        let noise = try NoiseField(seed: rest.next(), sample: 0).tensor(
            step: 0, channels: 3, height: clean.shape[2], width: clean.shape[3])
        return try BlurDegradation.finished(clean, draws: [draw], noise: noise)
    }
}
