/* A file of rules */
import "pe"

private rule a { condition: pe.is_pe }
rule b : wiper { condition: a }
