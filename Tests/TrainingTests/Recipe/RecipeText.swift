import Foundation

/// A small recipe as text, with lines replaced by key: `["steps": "12"]`.
func recipeText(
    _ changes: [String: String] = [:], without key: String? = nil, of whole: String? = nil
) -> String {
    let text =
        whole ?? """
            name: tiny
            description: a test
            task: sr3
            seed: 3
            data:
              sets: []
              patchSize: 32
              validationCount: 2
            model:
              scale: 4
              target: { residual: { scale: 0.2 } }
              parameterization: velocity
              schedule: "linear:1e-6:1e-2:2000"
              network:
                baseWidth: 16
                multipliers: [1, 2]
                blocks: 1
              sampling:
                method: ddim
                steps: 2
                eta: 0
                variance: 1
                temperature: 1
                schedule: "linear:1e-6:1e-2:2000"
            objective:
              loss: l2
            optimizer:
              learningRate: 2.0e-3
              warmupSteps: 20
              decayFraction: 0.5
              finalFraction: 0.05
              beta1: 0.9
              beta2: 0.99
              weightDecay: 0
              gradientClip: 1.0
              batchSize: 8
              emaDecay: 0.98
            budget:
              steps: 12
              checkpointMinutes: 60
              validationMinutes: 60
            """
    var lines = text.split(separator: "\n").map(String.init)
    func name(_ line: String) -> String { String(line.drop { $0 == " " }.prefix { $0 != ":" }) }
    if let key { lines.removeAll { name($0) == key } }
    for (key, value) in changes {
        for index in lines.indices where name(lines[index]) == key {
            lines[index] = lines[index].prefix { $0 == " " } + "\(key): \(value)"
        }
    }
    return lines.joined(separator: "\n") + "\n"
}
