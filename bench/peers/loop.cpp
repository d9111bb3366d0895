// A plain C++ loop over columns of options with the mathematics of the standard library: Black-76 with six greeks, and the
// volatility of a price by Newton's method. What a C++ programmer writes in an afternoon; g++ -O3 -march=native.
#include "peer.hpp"
#include <cmath>

static inline double distribution(double x) { return 0.5 * std::erfc(x * -0.70710678118654752440); }

static double priceAndGreeks(const std::vector<Column>& in, std::vector<Column>& out) {
    const std::size_t rows = in[0].size();
    for (std::size_t row = 0; row < rows; row++) {
        const double sign = in[0][row], forward = in[1][row], strike = in[2][row];
        const double years = in[3][row], discount = in[4][row], volatility = in[5][row];
        const double root = std::sqrt(years), deviation = volatility * root;
        const double d1 = std::log(forward / strike) / deviation + 0.5 * deviation, d2 = d1 - deviation;
        const double n1 = distribution(sign * d1), n2 = distribution(sign * d2);
        const double density = discount * 0.39894228040143267794 * std::exp(-0.5 * d1 * d1);
        const double price = discount * sign * (forward * n1 - strike * n2);
        out[0][row] = price;
        out[1][row] = discount * sign * n1;
        out[2][row] = density / (forward * deviation);
        out[3][row] = density * forward * root;
        out[4][row] = -0.5 * density * forward * volatility / root - price * std::log(discount) / years;
        out[5][row] = -years * price;
        out[6][row] = -density * d2 / volatility;
    }
    double sum = 0;
    for (double price : out[0]) sum += price;
    return sum;
}

static double priceOf(double sign, double forward, double strike, double deviation) {
    const double d1 = std::log(forward / strike) / deviation + 0.5 * deviation;
    return sign * (forward * distribution(sign * d1) - strike * distribution(sign * (d1 - deviation)));
}

// Newton's method from the inflection, where it converges from one side; ends at a change of 1e-12.
static double volatilities(const std::vector<Column>& in, const Column& prices) {
    double sum = 0;
    for (std::size_t row = 0; row < prices.size(); row++) {
        const double sign = in[0][row], forward = in[1][row], strike = in[2][row];
        const double target = prices[row] / in[4][row];
        double deviation = std::sqrt(2 * std::fabs(std::log(forward / strike)));
        if (deviation == 0) deviation = 0.1;
        for (int step = 0; step < 100; step++) {
            const double d1 = std::log(forward / strike) / deviation + 0.5 * deviation;
            const double slope = forward * 0.39894228040143267794 * std::exp(-0.5 * d1 * d1);
            const double change = (priceOf(sign, forward, strike, deviation) - target) / slope;
            deviation -= change;
            if (!(1e-12 * deviation < std::fabs(change))) break;
        }
        sum += deviation / std::sqrt(in[3][row]);
    }
    return sum;
}

int main(int, char** arguments) {
    const std::vector<Column> in = readColumns(arguments[1], 7);
    std::vector<Column> out(7, Column(in[0].size()));
    answer({
        {"greeks", {in[0].size(), [&] { return priceAndGreeks(in, out); }}},
        {"implied", {in[0].size(), [&] { return volatilities(in, in[6]); }}},
    });
}
